#!/usr/bin/perl
# Passes TCP connections of one LAN on to one server, until a fixed time. Perl's base is part of the Samba image already.
#
# Environment: TMGEN_LAN (IPv4 CIDR that may connect), TMGEN_UPSTREAM (ip:port), TMGEN_UNTIL (seconds since 1970).
# Ends with 0 when the time is over, also when it is started later than that.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use POSIX ':sys_wait_h';
use Socket qw(SOL_SOCKET SO_KEEPALIVE IPPROTO_TCP TCP_NODELAY);

$| = 1;
my $most = 16;          # connections at a time: a Mac holds one or two
my $size = 256 * 1024;  # bytes of one read

sub env {
    my ($name, $form) = @_;
    my $value = $ENV{$name} // '';
    $value =~ /\A$form\z/ or die "relay: $name is not set, or not well formed\n";
    return $value;
}
my $octets = qr/\d{1,3}(?:\.\d{1,3}){3}/;
my ($network, $bits) = split m{/}, env('TMGEN_LAN', qr{$octets/\d{1,2}});
my ($host, $port) = split /:/, env('TMGEN_UPSTREAM', qr/$octets:\d{1,5}/);
my $until = env('TMGEN_UNTIL', qr/\d{1,12}/);
die "relay: TMGEN_LAN is no private network\n" if $bits < 8 || $bits > 32;
my $mask = (0xffffffff << (32 - $bits)) & 0xffffffff;
my $number = sub { unpack 'N', (inet_aton($_[0]) // die "relay: $_[0] is no address\n") };

if (time >= $until) { print "relay: the time is over\n"; exit 0 }
my $listener = IO::Socket::INET->new(LocalPort => 1445, Listen => 16, ReuseAddr => 1)
    or die "relay: cannot listen: $@\n";
print "relay: open to $network/$bits\n";

my %children;
while (time < $until) {
    for my $pid (keys %children) { delete $children{$pid} if waitpid($pid, WNOHANG) > 0 }
    next unless IO::Select->new($listener)->can_read(1);
    my $client = $listener->accept or next;
    my $peer = $client->peerhost;
    if (($number->($peer) & $mask) != ($number->($network) & $mask)) { print "relay: refused $peer\n"; next }
    if (keys %children >= $most) { print "relay: too many connections, refused $peer\n"; next }
    my $pid = fork // next;
    if ($pid == 0) { close $listener; setpgrp; join_up($client); exit 0 }
    $children{$pid} = 1;
    print "relay: connected $peer\n";
}
kill TERM => map { -$_ } keys %children;
print "relay: the time is over\n";
exit 0;

# A process for each direction; a clean end is passed on as a half-close, a failure ends both.
sub join_up {
    my ($client) = @_;
    my $server = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 10) or return;
    for ($client, $server) {
        setsockopt $_, SOL_SOCKET, SO_KEEPALIVE, 1;
        setsockopt $_, IPPROTO_TCP, TCP_NODELAY, 1;
    }
    my $pid = fork // return;
    if ($pid == 0) { copy($server, $client); exit 0 }
    copy($client, $server);
    waitpid $pid, 0;
}

sub copy {
    my ($from, $to) = @_;
    local $SIG{PIPE} = 'IGNORE';
    while (1) {
        my $read = sysread $from, my $buffer, $size;
        next if !defined $read && $!{EINTR};
        if (!$read) { shutdown $to, defined $read ? 1 : 2; shutdown $from, 2 unless defined $read; return }
        for (my $at = 0; $at < $read;) {
            my $written = syswrite $to, $buffer, $read - $at, $at;
            next if !defined $written && $!{EINTR};
            if (!defined $written) { shutdown $from, 2; shutdown $to, 2; return }
            $at += $written;
        }
    }
}
