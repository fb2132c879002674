#!/bin/sh
# Every operation of KMS that there is, with the unmodified aws command line. What comes out is checked with openssl.
#
#     sh every_operation.sh    # `aws` is on the path, root.env in the environment, and in VPC_ENDPOINT_SERVICE a service that the
#                              # configuration's [xks.connect_to] gives an address where nobody is
#
# It writes into the directory that it is run in. Where the command line does not know the newest operations yet, AWS_DATA_PATH names
# newer service models, such as those of boto3: that is how it learns of services that it does not know.
set -eu
export AWS_PAGER= AWS_DEFAULT_OUTPUT=json

# Calls an operation: `kms create-key …`. What it answered is in the file `answer`.
kms() {
    echo "aws kms $1"
    aws kms "$@" > answer || { echo "failed: aws kms $*"; exit 1; }
}

# The same, of which only one member is wanted, as text: `ask KeyMetadata.KeyId create-key …`. It is in the file `answer`.
ask() {
    member=$1; shift
    kms "$@" --query "$member" --output text
}

# The same, and the member is bytes: `fetch signature Signature sign …` puts them into the file `signature`.
fetch() {
    file=$1 member=$2; shift 2
    ask "$member" "$@"
    base64 -d answer > "$file"
}

new_key() {
    ask KeyMetadata.KeyId create-key "$@"
}

# What the last call answered must be this.
is() {
    test "$(cat answer)" = "$1" || { echo "not \`$1\` but:"; cat answer; exit 1; }
}

same() {
    cmp "$1" "$2" || exit 1
}

# Until a key is in a state: what several Regions take part in takes a moment.
await_state() {
    tries=0
    until ask KeyMetadata.KeyState describe-key --key-id "$1" --region "$2" && test "$(cat answer)" = "$3"; do
        tries=$((tries + 1))
        test $tries -lt 60 || { echo "$1 in $2 is not $3"; exit 1; }
    done
}

printf 'the nile rises' > plain

echo '# Keys, aliases, tags, policies'

new_key --description letters --tags TagKey=team,TagValue=nile; KEY=$(cat answer)
kms list-keys
kms update-key-description --key-id "$KEY" --description 'letters, sealed'
ask KeyMetadata.Description describe-key --key-id "$KEY"; is 'letters, sealed'
kms tag-resource --key-id "$KEY" --tags TagKey=stage,TagValue=test
kms untag-resource --key-id "$KEY" --tag-keys team
ask 'Tags[].TagKey' list-resource-tags --key-id "$KEY"; is stage
kms create-alias --alias-name alias/letters --target-key-id "$KEY"
ask 'Aliases[].AliasName' list-aliases --key-id "$KEY"; is alias/letters
new_key; OTHER=$(cat answer)
kms update-alias --alias-name alias/letters --target-key-id "$OTHER"
kms delete-alias --alias-name alias/letters
ask 'PolicyNames[]' list-key-policies --key-id "$KEY"; is default
ask Policy get-key-policy --key-id "$KEY" --policy-name default
cp answer policy
kms put-key-policy --key-id "$KEY" --policy-name default --policy file://policy
kms disable-key --key-id "$KEY"
kms enable-key --key-id "$KEY"

echo '# Encryption'

fetch sealed CiphertextBlob encrypt --key-id "$KEY" --plaintext fileb://plain --encryption-context river=nile
fetch opened Plaintext decrypt --ciphertext-blob fileb://sealed --encryption-context river=nile
same plain opened
fetch moved CiphertextBlob re-encrypt --ciphertext-blob fileb://sealed --source-encryption-context river=nile \
    --destination-key-id "$OTHER"
fetch opened Plaintext decrypt --ciphertext-blob fileb://moved --key-id "$OTHER"
same plain opened
kms generate-data-key --key-id "$KEY" --key-spec AES_256
fetch sealed CiphertextBlob generate-data-key-without-plaintext --key-id "$KEY" --number-of-bytes 24
fetch opened Plaintext decrypt --ciphertext-blob fileb://sealed
test "$(wc -c < opened)" = 24
fetch random Plaintext generate-random --number-of-bytes 1024
test "$(wc -c < random)" = 1024
kms generate-data-key-pair --key-id "$KEY" --key-pair-spec ECC_NIST_P256
sed -n 's/.*"PublicKey": "\(.*\)".*/\1/p' answer | base64 -d > public.der
sed -n 's/.*"PrivateKeyPlaintext": "\(.*\)".*/\1/p' answer | base64 -d > private.der
openssl pkey -inform DER -in private.der -pubout -outform DER > computed.der
same public.der computed.der
fetch sealed PrivateKeyCiphertextBlob generate-data-key-pair-without-plaintext --key-id "$KEY" --key-pair-spec ECC_NIST_P384
fetch private.der Plaintext decrypt --ciphertext-blob fileb://sealed
openssl pkey -inform DER -in private.der -check -noout

echo '# Signatures, MACs, secrets'

new_key --key-spec RSA_2048 --key-usage SIGN_VERIFY; SIGNER=$(cat answer)
fetch public.der PublicKey get-public-key --key-id "$SIGNER"
fetch signature Signature sign --key-id "$SIGNER" --message fileb://plain --signing-algorithm RSASSA_PKCS1_V1_5_SHA_256
openssl dgst -sha256 -keyform DER -verify public.der -signature signature plain
ask SignatureValid verify --key-id "$SIGNER" --message fileb://plain --signature fileb://signature \
    --signing-algorithm RSASSA_PKCS1_V1_5_SHA_256; is True
new_key --key-spec HMAC_256 --key-usage GENERATE_VERIFY_MAC; AUTHENTICATOR=$(cat answer)
fetch mac Mac generate-mac --key-id "$AUTHENTICATOR" --message fileb://plain --mac-algorithm HMAC_SHA_256
ask MacValid verify-mac --key-id "$AUTHENTICATOR" --message fileb://plain --mac fileb://mac --mac-algorithm HMAC_SHA_256; is True
new_key --key-spec ECC_NIST_P256 --key-usage KEY_AGREEMENT; AGREER=$(cat answer)
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out peer.pem
openssl pkey -in peer.pem -pubout -outform DER -out peer.der
fetch secret SharedSecret derive-shared-secret --key-id "$AGREER" --key-agreement-algorithm ECDH --public-key fileb://peer.der
fetch public.der PublicKey get-public-key --key-id "$AGREER"
openssl pkeyutl -derive -inkey peer.pem -peerform DER -peerkey public.der -out expected
same secret expected
new_key --key-spec ML_KEM_768 --key-usage ENCAPSULATE_DECAPSULATE; ENCAPSULATOR=$(cat answer)
kms encapsulate --key-id "$ENCAPSULATOR" --encapsulation-algorithm ML_KEM
sed -n 's/.*"SharedSecret": "\(.*\)".*/\1/p' answer | base64 -d > secret
sed -n 's/.*"SharedSecretCiphertextBlob": "\(.*\)".*/\1/p' answer | base64 -d > sealed
fetch opened SharedSecret decapsulate --key-id "$ENCAPSULATOR" --encapsulation-algorithm ML_KEM \
    --shared-secret-ciphertext-blob fileb://sealed
same secret opened
kms get-key-last-usage --key-id "$SIGNER"
grep -q '"Operation": "Verify"' answer

echo '# Grants'

ask KeyMetadata.AWSAccountId describe-key --key-id "$KEY"; ROOT="arn:aws:iam::$(cat answer):root"
ask '[GrantId,GrantToken]' create-grant --key-id "$KEY" --grantee-principal "$ROOT" --retiring-principal "$ROOT" --operations Decrypt
set -- $(cat answer)
ask 'Grants[].GrantId' list-grants --key-id "$KEY"; is "$1"
ask 'Grants[].GrantId' list-retirable-grants --retiring-principal "$ROOT"; is "$1"
kms retire-grant --grant-token "$2"
ask GrantId create-grant --key-id "$KEY" --grantee-principal "$ROOT" --operations Decrypt
kms revoke-grant --key-id "$KEY" --grant-id "$(cat answer)"

echo '# Rotation'

kms enable-key-rotation --key-id "$KEY" --rotation-period-in-days 90
ask '[KeyRotationEnabled,RotationPeriodInDays]' get-key-rotation-status --key-id "$KEY"
test "$(tr '\t' ' ' < answer)" = 'True 90'
kms disable-key-rotation --key-id "$KEY"
kms rotate-key-on-demand --key-id "$KEY"
kms list-key-rotations --key-id "$KEY" --include-key-material ALL_KEY_MATERIAL

echo '# Imported key material'

new_key --origin EXTERNAL; IMPORTED=$(cat answer)
openssl rand -out material 32
kms get-parameters-for-import --key-id "$IMPORTED" --wrapping-algorithm RSAES_OAEP_SHA_256 --wrapping-key-spec RSA_2048
sed -n 's/.*"PublicKey": "\(.*\)".*/\1/p' answer | base64 -d > wrapping.der
sed -n 's/.*"ImportToken": "\(.*\)".*/\1/p' answer | base64 -d > token
openssl pkeyutl -encrypt -pubin -keyform DER -inkey wrapping.der -in material -out wrapped \
    -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256
kms import-key-material --key-id "$IMPORTED" --import-token fileb://token --encrypted-key-material fileb://wrapped \
    --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE
ask KeyMetadata.KeyState describe-key --key-id "$IMPORTED"; is Enabled
kms delete-imported-key-material --key-id "$IMPORTED"
ask KeyMetadata.KeyState describe-key --key-id "$IMPORTED"; is PendingImport

echo '# Multi-Region keys'

THERE=eu-central-1
new_key --multi-region; SHARED=$(cat answer)
kms replicate-key --key-id "$SHARED" --replica-region $THERE
await_state "$SHARED" $THERE Enabled
fetch sealed CiphertextBlob encrypt --key-id "$SHARED" --plaintext fileb://plain
fetch opened Plaintext decrypt --ciphertext-blob fileb://sealed --region $THERE
same plain opened
kms update-primary-region --key-id "$SHARED" --primary-region $THERE
await_state "$SHARED" $THERE Enabled
ask KeyMetadata.MultiRegionConfiguration.PrimaryKey.Region describe-key --key-id "$SHARED"; is $THERE

echo '# Deletion'

ask KeyState schedule-key-deletion --key-id "$KEY" --pending-window-in-days 7; is PendingDeletion
kms cancel-key-deletion --key-id "$KEY"
ask KeyMetadata.KeyState describe-key --key-id "$KEY"; is Disabled

echo '# Custom key stores: one whose proxy is not there. Stores that are used have stories of their own.'

# Else the command line fetches what an address begins with `https://` names.
printf '[default]\ncli_follow_urlparam = false\n' > config; export AWS_CONFIG_FILE=config
ask CustomKeyStoreId create-custom-key-store --custom-key-store-name far --custom-key-store-type EXTERNAL_KEY_STORE \
    --xks-proxy-connectivity VPC_ENDPOINT_SERVICE --xks-proxy-vpc-endpoint-service-name "$VPC_ENDPOINT_SERVICE" \
    --xks-proxy-uri-endpoint https://far.example.com --xks-proxy-uri-path /kms/xks/v1 \
    --xks-proxy-authentication-credential "AccessKeyId=ABCDEFGHIJKLMNOPQRST,RawSecretAccessKey=$(openssl rand -hex 32)"
STORE=$(cat answer)
kms connect-custom-key-store --custom-key-store-id "$STORE"
tries=0
until ask 'CustomKeyStores[0].ConnectionErrorCode' describe-custom-key-stores --custom-key-store-id "$STORE" && test "$(cat answer)" != None; do
    tries=$((tries + 1))
    test $tries -lt 60 || { echo "the store does not fail to be connected"; exit 1; }
done
is XKS_PROXY_NOT_REACHABLE
kms disconnect-custom-key-store --custom-key-store-id "$STORE"
until ask 'CustomKeyStores[0].ConnectionState' describe-custom-key-stores --custom-key-store-id "$STORE" && test "$(cat answer)" = DISCONNECTED; do
    tries=$((tries + 1))
    test $tries -lt 120 || { echo "the store is not disconnected"; exit 1; }
done
kms update-custom-key-store --custom-key-store-id "$STORE" --new-custom-key-store-name farther
ask 'CustomKeyStores[0].CustomKeyStoreName' describe-custom-key-stores --custom-key-store-name farther; is farther
kms delete-custom-key-store --custom-key-store-id "$STORE"
