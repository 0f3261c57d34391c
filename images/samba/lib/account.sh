# The account, on tmpfs and made anew at each start.

# install_config FROM TO: copies smb.conf, so that smbd needs no right to read the
# mount later, and refuses what Samba cannot parse.
install_config() {
    [ -f "$1" ] || refuse "$1 is missing"
    cat "$1" > "$2"
    complaint=$(testparm -s "$2" 2>&1 > /dev/null) \
        || refuse "Samba cannot use smb.conf: $(printf '%s\n' "$complaint" | tail -n 1)"
}

# add_account USER UID PASSWORD_FILE DIR: writes the user to DIR/passwd and DIR/group
# (/etc/passwd and /etc/group lead there; useradd would need a writable /etc) and sets
# the SMB password. It goes through a pipe: never argv, the environment or a log.
add_account() {
    printf '%s:x:%s:%s::/nonexistent:/usr/sbin/nologin\n' "$1" "$2" "$2" >> "$4/passwd"
    printf '%s:x:%s:\n' "$1" "$2" >> "$4/group"

    [ -f "$3" ] || refuse "the password file is missing"
    [ "$(stat -L -c %s "$3")" -le 512 ] || refuse "the password file is larger than 512 bytes"
    password=
    { IFS= read -r password || :; IFS= read -r surplus || :; } < "$3"
    [ -z "$surplus" ] || refuse "the password file has more than one line"
    [ -n "$password" ] || refuse "the password is empty"
    printf '%s\n%s\n' "$password" "$password" \
        | smbpasswd -c "$4/smb.conf" -s -a "$1" > "$4/smbpasswd.log" 2>&1 \
        || refuse "smbpasswd failed: $(tail -n 1 "$4/smbpasswd.log")"
    unset password surplus
}
