# The marker file tells the right storage folder from an empty mount point: a Mac that
# finds an empty disk starts its backup over.

# check_marker FILE WORKSPACE USER_ID UID: refuses unless FILE is the marker of exactly
# this user. The file is taken as hostile: regular, at most 4096 bytes, one flat JSON
# object whose strings hold no escapes.
check_marker() {
    if [ -L "$1" ]; then refuse "the marker ${1##*/} is a symbolic link"; fi
    if ! [ -e "$1" ]; then
        refuse "the storage folder has no marker (${1##*/}): is the disk mounted?"
    fi
    [ -f "$1" ] || refuse "the marker ${1##*/} is not a regular file"
    [ "$(stat -c %s "$1")" -le 4096 ] || refuse "the marker ${1##*/} is larger than 4096 bytes"

    # Line ends turn into blanks, which no string may hold, and NUL into a character
    # that is nowhere allowed.
    marker=$(head -c 4096 "$1" | tr '\n\r\t\000' '   \001')
    pair='"[a-z]+" *: *("[A-Za-z0-9._-]*"|[0-9]+)'
    matches "$marker" " *\\{ *$pair *(, *$pair *)*\\} *" \
        || refuse "the marker ${1##*/} is not a marker of tmgen"

    [ "$(marker_field version)" = 1 ] || refuse "the marker ${1##*/} has an unknown version"
    [ "$(marker_field workspace)" = "\"$2\"" ] \
        || refuse "the storage folder belongs to another workspace"
    [ "$(marker_field user)" = "\"$3\"" ] || refuse "the storage folder belongs to another user"
    [ "$(marker_field uid)" = "$4" ] \
        || refuse "the storage folder was made for another UID than $4"
}

# marker_field KEY: prints the raw value of KEY in $marker; a key that comes twice
# prints two lines and so equals nothing. Only a key is followed by a colon.
marker_field() {
    printf '%s\n' "$marker" | grep -Eo -e "\"$1\" *: *(\"[^\"]*\"|[0-9]+)" | sed 's/^[^:]*: *//'
}
