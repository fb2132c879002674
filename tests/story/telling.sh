# What the story is told with: who speaks, and what each call must come to. It is read by `who_may_do_what.sh`.

# Whoever has these credentials is called by that name from now on: `meet amina AKIA… secret`.
meet() {
    printf '[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$@" >> credentials
    printf "export AWS_ACCESS_KEY_ID='%s' AWS_SECRET_ACCESS_KEY='%s'\n" "$2" "$3" > "$1.env"
}

# Whoever assumes a role of somebody else's calls itself by that name: `disguise reader arn:aws:iam::… bashir spring`. The aws
# command line assumes it by itself.
disguise() {
    printf '[profile %s]\nrole_arn = %s\nsource_profile = %s\nrole_session_name = %s\n' "$@" >> config
}

# A user of somebody's account, with an access key of its own: `user nile amina` makes amina in nile's account.
user() {
    aws --profile "$1" iam create-user --user-name "$2" > made
    set -- "$2" $(aws --profile "$1" iam create-access-key --user-name "$2" \
        --query 'AccessKey.[AccessKeyId,SecretAccessKey]' --output text)
    meet "$@"
}

# A policy of those statements.
policy() {
    printf '{"Version": "2012-10-17", "Statement": [%s]}' "$1"
}

# Lets a user or a role of somebody's account do what the statements say: `user_may nile amina '<statements>'`.
user_may() {
    aws --profile "$1" iam put-user-policy --user-name "$2" --policy-name of-the-story --policy-document "$(policy "$3")"
}
role_may() {
    aws --profile "$1" iam put-role-policy --role-name "$2" --policy-name of-the-story --policy-document "$(policy "$3")"
}

# A call, short enough to read.
told() {
    printf '%s\n' "$1" | tr -s '\n ' ' ' | cut -c 1-150
}

# The call must be allowed: `allowed amina kms decrypt …`. What it answered is in the file `answer`.
allowed() {
    who=$1; shift
    told "$who may: aws $*"
    aws --profile "$who" "$@" > answer
}

# The call must be denied in these words of AWS's: `denied '<words>' amina kms decrypt …`. The encoded message is in the file
# `message`.
denied() {
    words=$1 who=$2; shift 2
    told "$who may not: aws $*"
    if aws --profile "$who" "$@" > answer 2> said; then
        echo "but it was allowed:"; cat answer
        exit 1
    fi
    sed -n 's/^An error occurred (AccessDenied[a-zA-Z]*) when calling the [a-zA-Z]* operation: //p' said > denial
    sed 's/\. Encoded authorization failure message: .*//' denial > words
    sed -n 's/.*\. Encoded authorization failure message: //p' denial > message
    printf '%s\n' "$words" > expected
    diff expected words && test -s message || { echo "$who was told otherwise:"; cat said; exit 1; }
}

# `cardea policy explain` must say so too, and say why: `because '<a line of it>' nile --principal … --action … --key …`.
because() {
    explain "$@" && { echo "but it explains that it is allowed"; exit 1; }
    test $? = 3 || exit 1
}

# It must say that it is allowed, and this: `indeed '<a line of it>' nile --principal … --action … --key …`.
indeed() {
    explain "$@"
}

explain() {
    line=$1 who=$2; shift 2
    echo "    because: $line"
    status=0
    (. "./$who.env"; cardea policy explain "$@") > explanation || status=$?
    grep -qF -- "$line" explanation || { echo 'but it is explained otherwise:'; cat explanation; exit 1; }
    return $status
}
