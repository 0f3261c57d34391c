# The container's own firewall. An `internal` Docker network still lets containers
# reach each other and the host at the bridge's address; this closes both ways.

# firewall_rules GATEWAY_IP: the nftables script, one transaction. Stateless on
# purpose: nothing to track, and no conntrack module is needed. Family inet takes
# IPv6 in, of which only loopback is let through.
firewall_rules() {
    cat <<EOF
add table inet tmgen
delete table inet tmgen
table inet tmgen {
    chain input {
        type filter hook input priority filter; policy drop;
        iif lo accept
        ip saddr $1 tcp dport 445 accept
    }
    chain forward {
        type filter hook forward priority filter; policy drop;
    }
    chain output {
        type filter hook output priority filter; policy drop;
        oif lo accept
        ip daddr $1 tcp sport 445 tcp flags & (syn | ack) != syn accept
    }
}
EOF
}

# raise_firewall GATEWAY_IP STATUS_FILE: sets the rules and writes "on". On a kernel
# without nf_tables it writes "unavailable: reason", says so and goes on: hosts allow
# and the password still stand. Any other failure is a wrong definition of the
# container (NET_ADMIN missing, for example), and refuses.
raise_firewall() {
    if reason=$(firewall_rules "$1" | nft -f - 2>&1); then
        echo on > "$2"
        return
    fi
    reason=$(printf '%s\n' "$reason" | grep -v '^[[:space:]]*$' | head -n 1 | cut -c 1-200)
    case $reason in
        *'not supported'* | *'No such file or directory'*)
            echo "unavailable: $reason" > "$2"
            say "WARNING: NO FIREWALL: this kernel has no nf_tables ($reason)."
            say "WARNING: other containers on this network can reach port 445; only" \
                "hosts allow and the password stop them." ;;
        *)
            echo "unavailable: $reason" > "$2"
            refuse "the firewall could not be set: $reason" ;;
    esac
}
