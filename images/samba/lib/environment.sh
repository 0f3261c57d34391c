# Checks every value that comes from outside before it reaches a command line.

# matches VALUE ERE: true when the whole one-line VALUE matches.
matches() {
    case $1 in *'
'*) return 1 ;; esac
    printf '%s\n' "$1" | grep -Eqx -e "$2"
}

# check_environment: refuses unless all TMGEN_ variables are set and well formed.
check_environment() {
    for name in TMGEN_USER TMGEN_UID TMGEN_GATEWAY_IP TMGEN_WORKSPACE TMGEN_USER_ID TMGEN_SHARES; do
        eval "[ \"\${$name+set}\" = set ]" || refuse "$name is not set"
    done
    matches "$TMGEN_USER" '[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?' \
        || refuse "TMGEN_USER is not a user name"
    case $TMGEN_USER in
        root | nobody) refuse "the user name $TMGEN_USER belongs to the system" ;;
    esac
    matches "$TMGEN_UID" '[1-9][0-9]{3,8}' || refuse "TMGEN_UID is not a number from 1000 up"
    octet='(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])'
    matches "$TMGEN_GATEWAY_IP" "$octet(\\.$octet){3}" \
        || refuse "TMGEN_GATEWAY_IP is not an IPv4 address"
    matches "$TMGEN_WORKSPACE" '[A-Za-z0-9._-]{1,64}' || refuse "TMGEN_WORKSPACE is not an id"
    matches "$TMGEN_USER_ID" '[A-Za-z0-9._-]{1,64}' || refuse "TMGEN_USER_ID is not an id"
    matches "$TMGEN_SHARES" '[a-z0-9][a-z0-9-]*( +[a-z0-9][a-z0-9-]*)*' \
        || refuse "TMGEN_SHARES is not a list of share names"
}
