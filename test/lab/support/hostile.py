"""What a hostile or broken client does to one SMB server. Usage: hostile.py KIND HOST COUNT [ARG...]

It goes on until /tmp/hostile.KIND.stop exists (15 minutes at most), and writes what it has seen to /tmp/hostile.KIND.json.
"""
import errno, json, os, signal, socket, struct, subprocess, sys, time

kind, host, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
rest = sys.argv[4:]
seen = {"opened": 0, "refused": 0, "open": 0, "ready": False, "answers": {}}
end = time.monotonic() + 900


def tell(**more):
    seen.update(more)
    path = f"/tmp/hostile.{kind}.json"
    with open(path + ".new", "w") as out:
        json.dump(seen, out)
    os.replace(path + ".new", path)


def stopped():
    return os.path.exists(f"/tmp/hostile.{kind}.stop") or time.monotonic() > end


def connect(buffer=None, timeout=5):
    """A connection, or None when the server refused it."""
    s = socket.socket()
    s.settimeout(timeout)
    if buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    try:
        s.connect((host, 445))
    except OSError:
        s.close()
        seen["refused"] += 1
        return None
    seen["opened"] += 1
    return s


def negotiate():
    """An SMB2 NEGOTIATE for SMB 3.0 and 3.0.2 (MS-SMB2 2.2.3)."""
    header = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ16x", 64, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    body = struct.pack("<HHHHI16sQHH", 36, 2, 1, 0, 0, os.urandom(16), 0, 0x0300, 0x0302)
    return struct.pack(">I", len(header + body)) + header + body


def resets():
    """Opens connections and resets each, COUNT tries of which ARG at least were let in."""
    least, tries = int(rest[0]), 0
    while (tries < count or seen["opened"] < least) and not stopped():
        tries += 1
        s = connect()
        if s is None:
            time.sleep(0.001)
            continue
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if tries % 2:
            s.send(negotiate())
        s.close()
        if tries % 100 == 0:
            tell(ready=True)
    tell(ready=True, tries=tries)


def half_open():
    """Sends SYNs of COUNT ports and never ends a handshake. What the kernel would answer is dropped by the caller."""
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    s.connect((host, 0))
    s.setblocking(False)
    mine = socket.inet_aton(s.getsockname()[0]) + socket.inet_aton(host)
    answered = set()
    while not stopped():
        for port in range(20000, 20000 + count):
            syn = struct.pack(">HHIIBBHHH", port, 445, port, 0, 5 << 4, 2, 64240, 0, 0)
            total = sum(struct.unpack(">16H", mine + struct.pack(">HH", 6, len(syn)) + syn))
            total = (total >> 16) + (total & 0xFFFF)
            total += total >> 16
            s.send(syn[:16] + struct.pack(">H", ~total & 0xFFFF) + syn[18:])
            time.sleep(0.001)
            try:
                while True:
                    packet = s.recv(2048)
                    tcp = packet[(packet[0] & 15) * 4 :]
                    port_to, flags = struct.unpack(">H", tcp[2:4])[0], tcp[13]
                    if flags & 4:
                        seen["refused"] += 1
                    elif flags & 18 == 18 and port_to not in answered:
                        answered.add(port_to)
                        seen["opened"] += 1
            except BlockingIOError:
                pass
        tell(ready=True)


def hold(feed):
    """Keeps up to COUNT connections; with feed they ask and never read."""
    held = []
    tries = 0
    while not stopped():
        before = seen["opened"]
        for _ in range(max(0, min(200, count - len(held)))):
            s = connect(4096 if feed else None)
            tries += 1
            if s is not None:
                s.setblocking(False)
                held.append(s)
        for s in held[:]:
            try:
                if feed:
                    s.send(negotiate())
                elif s.recv(1024) == b"":
                    raise OSError
            except BlockingIOError:
                pass
            except OSError:
                s.close()
                held.remove(s)
        tell(open=len(held), ready=tries >= count or len(held) >= count)
        if seen["opened"] == before:
            time.sleep(0.2)


def stall():
    """COUNT smbclients that stop to read in the middle of a file; ARGs: share, file on it."""
    share, name = rest
    running, stalled = [], []
    while not stopped():
        while len(running) + len(stalled) < count:
            command = f"get {name} /dev/null"
            args = ["smbclient", f"//{host}/{share}", "-m", "SMB3", "-A", "/run/smb.auth", "-t", "3600", "-c", command]
            running.append(subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        for p in running[:]:
            with open(f"/proc/{p.pid}/io") as io:  # what it wrote: its reads from a socket are not counted
                got = int(io.read().split("wchar: ")[1].split()[0])
            if got > 8 << 20:
                p.send_signal(signal.SIGSTOP)
                stalled.append(p)
                running.remove(p)
            elif p.poll() is not None:
                seen["refused"] += 1
                running.remove(p)
        tell(open=len(stalled), ready=len(stalled) == count)
        time.sleep(0.02)
    for p in running + stalled:
        p.kill()
        p.wait()


def pause():
    """One smbclient that stops reading in the middle of a file for COUNT seconds, then goes on; ARGs: share, file, to."""
    share, name, to = rest
    args = ["smbclient", f"//{host}/{share}", "-m", "SMB3", "-A", "/run/smb.auth", "-t", "3600", "-c", f"get {name} {to}"]
    p = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while not (os.path.exists(to) and os.path.getsize(to) > 8 << 20):
        if p.poll() is not None:
            break
        time.sleep(0.005)
    p.send_signal(signal.SIGSTOP)
    tell(ready=True, at=os.path.getsize(to) if os.path.exists(to) else 0)
    time.sleep(count)
    p.send_signal(signal.SIGCONT)
    said = p.communicate()[0].decode()
    tell(code=p.returncode, said=said)


def garbage():
    """COUNT times each thing that is not SMB 3, and what comes back."""
    smb1 = b"\xffSMB" + b"\x72" + bytes(27) + b"\x00" + struct.pack("<H", 12) + b"\x02NT LM 0.12\x00"
    for name, sent in {
        "noise": os.urandom(4096),
        "smb1": struct.pack(">I", len(smb1)) + smb1,
        "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "huge": b"\x00\xff\xff\xff" + bytes(65536),
        "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(500),
        "session": b"\x81\x00\x00\x44" + b" CKFDENECFDEFFCFGEFFCCACACACACACA\x00" * 2,
    }.items():
        got = set()
        for _ in range(count):
            s = connect(timeout=3)
            while s is None and not stopped():
                time.sleep(0.05)
                s = connect(timeout=3)
            answer = b""
            try:
                s.sendall(sent)
                while piece := s.recv(4096):
                    answer += piece
                how = "closed"
            except TimeoutError:
                how = "silent"
            except OSError as e:
                how = "closed" if e.errno in (errno.ECONNRESET, errno.EPIPE) else str(e)
            got.add(f"{how} {answer[4:8].hex()}" if answer else how)
            s.close()
        seen["answers"][name] = sorted(got)
        tell()
    tell(ready=True)


tell()
{
    "resets": resets,
    "halfopen": half_open,
    "idle": lambda: hold(False),
    "unread": lambda: hold(True),
    "stall": stall,
    "pause": pause,
    "garbage": garbage,
}[kind]()
