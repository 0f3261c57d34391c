# One directory a share.

# make_shares STORAGE UID NAMES: makes the missing ones for the user; existing data is
# never chowned. Names were checked by check_environment.
make_shares() {
    for share in $3; do
        path=$1/$share
        if [ -L "$path" ]; then refuse "the share $share is a symbolic link"; fi
        if [ -d "$path" ]; then
            owner=$(stat -c %u "$path")
            [ "$owner" = "$2" ] || say "WARNING: the share $share belongs to UID $owner, not $2:" \
                "it is left as it is, and writing to it will fail until someone corrects that"
            continue
        fi
        if [ -e "$path" ]; then refuse "the share $share is not a directory"; fi
        mkdir -m 0700 "$path" || refuse "the share $share could not be made"
        if ! chown "$2:$2" "$path"; then
            rmdir "$path"
            refuse "the share $share could not be given to UID $2"
        fi
        say "made the share $share"
    done
}
