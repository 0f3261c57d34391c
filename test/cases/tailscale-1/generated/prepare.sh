#!/bin/sh
# made by tmgen; changes here are reported, not kept
# Makes the folders that the containers mount, on a server where tmgen itself does not run. Run it once after
# the workspace was copied here and again when users were added; it may run as often as you like:
#     sh generated/prepare.sh && docker compose up -d
set -eu
umask 077
LC_ALL=C
export LC_ALL
cd "$(dirname -- "$0")/.."

refuse() {
    printf 'prepare: %s\n' "$*" >&2
    exit 1
}

# Containers run as TMGEN_UID:TMGEN_GID and must be able to read what is theirs.
owner=$(ls -nd . | awk '{ print $3 ":" $4 }')
[ -f .env ] || refuse ".env is missing: write TMGEN_UID=${owner%:*} and TMGEN_GID=${owner#*:} into it"
uid=$(sed -n 's/^TMGEN_UID=//p' .env)
gid=$(sed -n 's/^TMGEN_GID=//p' .env)
[ "$uid:$gid" = "$owner" ] ||
    refuse "this folder belongs to $owner, but .env says TMGEN_UID=$uid, TMGEN_GID=$gid: change .env or the owner"

# marker_is_ours FILE USER_ID UID: whether FILE is the marker of this user of this workspace.
marker_is_ours() {
    [ ! -L "$1" ] && [ -f "$1" ] || return 1
    text=$(head -c 4096 -- "$1" | tr -d ' \t\r\n\000')
    case $text in *'"workspace":"'00c0ffee00c0ffee'"'*) ;; *) return 1 ;; esac
    case $text in *'"user":"'"$2"'"'*) ;; *) return 1 ;; esac
    case $text in *'"uid":'"$3"[,}]*) ;; *) return 1 ;; esac
}

# check_user NAME ID UID PATH MARKER: refuses what must not be served or taken over; makes nothing.
check_user() {
    [ ! -L "$4" ] || refuse "$1: $4 is a symbolic link"
    [ -e "$4" ] || {
        [ -d "$(dirname -- "$4")" ] || refuse "$1: there is no folder to make $4 in: is the disk mounted?"
        return 0
    }
    [ -d "$4" ] || refuse "$1: $4 is not a folder"
    if [ -e "$4/.tmgen.json" ] || [ -L "$4/.tmgen.json" ]; then
        marker_is_ours "$4/.tmgen.json" "$2" "$3" ||
            refuse "$1: $4 belongs to another workspace or user (see .tmgen.json in it)"
        return 0
    fi
    # A marker that was being written when the power went is ours; anything else is someone's data.
    [ -z "$(ls -A -- "$4" | grep -vxF '.tmgen.json.new')" ] ||
        refuse "$1: $4 has no marker and is not empty: tmgen does not take it over"
}

# make_user: the same arguments, after all users were checked.
make_user() {
    [ -e "$4" ] || mkdir -m 0711 -- "$4"
    [ ! -e "$4/.tmgen.json" ] || return 0
    chmod 0711 -- "$4"
    rm -f -- "$4/.tmgen.json.new"
    # -C: never writes through something that stands there already.
    (set -C && umask 022 && printf '%s\n' "$5" >"$4/.tmgen.json.new")
    mv -f -- "$4/.tmgen.json.new" "$4/.tmgen.json"
    printf 'prepare: %s: storage folder %s\n' "$1" "$4"
}

# make_folder MODE PATH: a folder of the workspace.
make_folder() {
    [ ! -L "$2" ] || refuse "$2 is a symbolic link"
    [ -d "$2" ] || {
        mkdir -m "$1" -- "$2"
        [ "$(id -u)" != 0 ] || chown -- "$owner" "$2"
    }
}

users() {
    "$1" alice u1 20001 /srv/timemachine/alice '{"version":1,"workspace":"00c0ffee00c0ffee","user":"u1","name":"alice","uid":20001}'
    :
}

[ -d /srv/timemachine ] || refuse /srv/timemachine" does not exist: is the disk mounted?"
users check_user
make_folder 700 secrets
make_folder 700 secrets/gateway
make_folder 700 secrets/smb
make_folder 700 state
make_folder 700 state/gateway
make_folder 700 state/status
make_folder 700 state/monitor
make_folder 700 state/monitor/bands
make_folder 700 state/page
make_folder 700 secrets/smb/alice
users make_user
