#!/bin/sh
# Who may do what: a story of two accounts, told with the unmodified aws command line.
#
# The account Nile keeps the keys, the account Delta reads the letters. Every call that is allowed and every call that is
# denied comes out as AWS would have it, word for word, and for each denial `cardea policy explain` names what is in the way.
#
#     sh who_may_do_what.sh DATA_DIRECTORY    # of a running service; `aws` and `cardea` are on the path
#
# It writes into the directory that it is run in.
set -eu
. "$(dirname "$0")/telling.sh"
data=$1
. "$data/root.env"
export AWS_CONFIG_FILE="$PWD/config" AWS_SHARED_CREDENTIALS_FILE="$PWD/credentials" AWS_DEFAULT_OUTPUT=json AWS_PAGER=

echo '# Two accounts'

meet nile "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
cardea admin account create --data "$data" > account
meet delta $(. ./account; echo "$AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY")
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
NILE=$(aws --profile nile sts get-caller-identity --query Account --output text)
DELTA=$(aws --profile delta sts get-caller-identity --query Account --output text)

echo '# Nile has two users. Amina keeps the keys; Bashir may do nothing yet'

user nile amina
user_may nile amina '{"Sid": "KeepsTheKeys", "Effect": "Allow", "Action": "kms:*", "Resource": "*"}'
user nile bashir

allowed amina kms create-key --description 'letters'
KEY=$(sed -n 's/.*"Arn": "\(.*\)".*/\1/p' answer)
allowed amina kms create-alias --alias-name alias/letters --target-key-id "$KEY"

# A letter about the Nile, and one about the Sudd.
for project in nile sudd; do
    printf 'the %s rises' "$project" > letter
    allowed amina kms encrypt --key-id alias/letters --plaintext fileb://letter --encryption-context project=$project \
        --query CiphertextBlob --output text
    base64 -d answer > $project.sealed
done

BASHIR="arn:aws:iam::$NILE:user/bashir"
denied "User: $BASHIR is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt action" \
    bashir kms decrypt --ciphertext-blob fileb://nile.sealed --encryption-context project=nile
because 'statement 1 "Enable IAM User Permissions" (Allow) applies' \
    nile --principal "$BASHIR" --action kms:Decrypt --ciphertext fileb://nile.sealed --encryption-context project=nile

denied "User: $BASHIR is not authorized to perform: kms:CreateKey because no identity-based policy allows the kms:CreateKey action" \
    bashir kms create-key
because 'DENIED: no identity-based policy allows it' nile --principal "$BASHIR" --action kms:CreateKey

echo '# Delta has a role, the reader, which users of Nile may assume if their own account lets them'

aws --profile delta iam create-role --role-name reader --assume-role-policy-document "$(policy '{
    "Sid": "UsersOfTheNile", "Effect": "Allow", "Principal": {"AWS": "'"$NILE"'"}, "Action": "sts:AssumeRole"}')" > made
disguise reader "arn:aws:iam::$DELTA:role/reader" bashir spring
READER="arn:aws:sts::$DELTA:assumed-role/reader/spring"

denied "User: $BASHIR is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::$DELTA:role/reader" \
    reader sts get-caller-identity
because 'DENIED: no identity-based policy allows it' nile --principal "$BASHIR" --action sts:AssumeRole --resource "arn:aws:iam::$DELTA:role/reader"
user_may nile bashir '{"Sid": "MayRead", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::'"$DELTA"':role/reader"}'
allowed reader sts get-caller-identity
grep -q "$READER" answer

echo '# A key of another account takes both sides: the role of Delta, and the key of Nile, for project=nile alone'

INVISIBLE='on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access'
denied "User: $READER is not authorized to perform: kms:Decrypt $INVISIBLE" \
    reader kms decrypt --ciphertext-blob fileb://nile.sealed --encryption-context project=nile
because 'statement 1 "Enable IAM User Permissions" (Allow) does not apply: it does not name the caller' \
    nile --principal "$READER" --action kms:Decrypt --ciphertext fileb://nile.sealed --encryption-context project=nile

allowed amina kms put-key-policy --key-id "$KEY" --policy-name default --policy "$(policy '
    {"Sid": "NileItself", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::'"$NILE"':root"}, "Action": "kms:*", "Resource": "*"},
    {"Sid": "ReaderOfTheNile", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::'"$DELTA"':role/reader"},
     "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringEquals": {"kms:EncryptionContext:project": "nile"}}}')"
denied "User: $READER is not authorized to perform: kms:Decrypt $INVISIBLE" \
    reader kms decrypt --ciphertext-blob fileb://nile.sealed --encryption-context project=nile
because 'DENIED: no identity-based policy allows it' delta --principal "$READER" --action kms:Decrypt --key "$KEY"
indeed 'ReaderOfTheNile' nile --principal "$READER" --action kms:Decrypt --key "$KEY" --encryption-context project=nile

role_may delta reader '{"Sid": "KeysOfTheNile", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:*:'"$NILE"':key/*"}'
allowed reader kms decrypt --ciphertext-blob fileb://nile.sealed --encryption-context project=nile \
    --query Plaintext --output text
test "$(base64 -d answer)" = 'the nile rises'

denied "User: $READER is not authorized to perform: kms:Decrypt $INVISIBLE" \
    reader kms decrypt --ciphertext-blob fileb://sudd.sealed --encryption-context project=sudd
because 'StringEquals kms:EncryptionContext:project: wanted ["nile"], was ["sudd"]' \
    nile --principal "$READER" --action kms:Decrypt --key "$KEY" --encryption-context project=sudd
grep -q 'statement 2 "ReaderOfTheNile" (Allow) does not apply: a condition is not met' explanation

denied "User: $READER is not authorized to perform: kms:Encrypt $INVISIBLE" \
    reader kms encrypt --key-id "$KEY" --plaintext fileb://letter --encryption-context project=nile
because 'statement 1 "NileItself" (Allow) does not apply: it does not name the caller' \
    nile --principal "$READER" --action kms:Encrypt --key "$KEY" --encryption-context project=nile

echo '# A grant lets Bashir himself, at once, with its token; and no further than it says'

allowed amina kms create-grant --key-id "$KEY" --grantee-principal "$BASHIR" --operations Decrypt DescribeKey \
    --constraints EncryptionContextSubset={project=nile} --query '[GrantToken,GrantId]' --output text
read -r TOKEN GRANT < answer
allowed bashir kms decrypt --ciphertext-blob fileb://nile.sealed --encryption-context project=nile --grant-tokens "$TOKEN"
denied "User: $BASHIR is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt action" \
    bashir kms decrypt --ciphertext-blob fileb://sudd.sealed --encryption-context project=sudd --grant-tokens "$TOKEN"
because "Grant $GRANT to $BASHIR does not apply: the request does not keep to its constraints" \
    nile --principal "$BASHIR" --action kms:Decrypt --key "$KEY" --encryption-context project=sudd
allowed amina kms revoke-grant --key-id "$KEY" --grant-id "$GRANT"
denied "User: $BASHIR is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt action" \
    bashir kms decrypt --ciphertext-blob fileb://nile.sealed --encryption-context project=nile --grant-tokens "$TOKEN"
because 'DENIED: no identity-based policy allows it' \
    nile --principal "$BASHIR" --action kms:Decrypt --key "$KEY" --encryption-context project=nile

echo '# An explicit deny outweighs everything, and whoever may decode the message that came with it reads why'

AMINA="arn:aws:iam::$NILE:user/amina"
user_may nile amina '{"Sid": "KeepsTheKeys", "Effect": "Allow", "Action": "kms:*", "Resource": "*"},
    {"Sid": "NothingIsThrownAway", "Effect": "Deny", "Action": "kms:ScheduleKeyDeletion", "Resource": "*"}'
denied "User: $AMINA is not authorized to perform: kms:ScheduleKeyDeletion on resource: $KEY with an explicit deny in an identity-based policy" \
    amina kms schedule-key-deletion --key-id "$KEY"
because 'statement 2 "NothingIsThrownAway" (Deny) applies' \
    nile --principal "$AMINA" --action kms:ScheduleKeyDeletion --key "$KEY"
allowed nile sts decode-authorization-message --encoded-message "$(cat message)" --query DecodedMessage --output text
grep -q NothingIsThrownAway answer
denied "User: $BASHIR is not authorized to perform: sts:DecodeAuthorizationMessage because no identity-based policy allows the sts:DecodeAuthorizationMessage action" \
    bashir sts decode-authorization-message --encoded-message "$(cat message)"
because 'DENIED: no identity-based policy allows it' nile --principal "$BASHIR" --action sts:DecodeAuthorizationMessage

echo '# And who may decrypt the letter about the Nile?'

indeed "arn:aws:iam::$DELTA:role/reader" \
    nile --action kms:Decrypt --ciphertext fileb://nile.sealed --encryption-context project=nile --others
