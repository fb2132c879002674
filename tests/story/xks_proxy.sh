#!/bin/sh
# Hold your own keys: an external key store over `cardea-xks-proxy`, from an empty folder to the day when both logs are held together.
#
#     sh xks_proxy.sh    # `aws`, `cardea`, `cardea-xks-proxy` and `openssl` are on the path
#
# One machine plays both parts here: you, who hold the keys, and the KMS, which has to ask you each time. It writes into the directory that it
# is run in, which is empty.
set -eu
. "$(dirname "$0")/key_stores.sh"

echo '# You: a certificate for the proxy, of an authority that the KMS will trust'

umask 077
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=authority of the story' \
    -keyout ca.key -out ca.pem 2> said
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout proxy.key -out proxy.csr 2> said
printf 'subjectAltName = DNS:localhost\n' > names
openssl x509 -req -in proxy.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile names -out proxy.pem 2> said

echo '# A key store that is sealed under a passphrase, a key in it, a credential for the KMS, and the configuration that names them'

echo 'four words that nobody guesses' > passphrase
cat > store.toml << 'TOML'
listen = "127.0.0.1:0"
data = "own"

[tls]
certificate = "proxy.pem"
private_key = "proxy.key"

[[key_manager]]
name = "file"
kind = "software"
file = "keys"
protector.passphrase_file = "passphrase"

[[store]]
path_prefix = "/payments"
key_manager = "file"
keys = ["payments-2026"]
TOML
exec 3>&1
own() {
    echo "cardea-xks-proxy $*" >&3
    cardea-xks-proxy "$@"
}
own credential new --store /payments > first.toml
cat store.toml first.toml > proxy.toml
own key init --config proxy.toml
own key create payments-2026 --config proxy.toml
own check-config --config proxy.toml > said
begin proxy cardea-xks-proxy --config proxy.toml
PORT=$(sed 's/.*://' proxy.out)

# Until that succeeds, or does no more, but not for ever: `until_it aws kms decrypt …`, `until_not aws kms decrypt …`.
until_it() {
    tries=0
    until "$@" > answer 2> said; do
        tries=$((tries + 1))
        test $tries -lt 60 || { echo "in vain: $*"; cat answer said; exit 1; }
    done
}
until_not() {
    until_it not "$@"
}
not() {
    ! "$@"
}

# The id of a credential, and both its parts as the KMS takes them.
id() {
    sed -n 's/^access_key_id = "\(.*\)"$/\1/p' "$1"
}
credential() {
    printf 'AccessKeyId=%s,RawSecretAccessKey=%s' "$(id "$1")" "$(cat "$(id "$1").secret")"
}

echo '# The KMS: a store that asks your proxy, and a key in it'

begin service cardea serve --data data --listen 127.0.0.1:0 --xks-ca ca.pem --dev-clock
. data/root.env
ask CustomKeyStoreId create-custom-key-store --custom-key-store-name payments --custom-key-store-type EXTERNAL_KEY_STORE \
    --xks-proxy-connectivity PUBLIC_ENDPOINT --xks-proxy-uri-endpoint "https://localhost:$PORT" \
    --xks-proxy-uri-path /payments/kms/xks/v1 --xks-proxy-authentication-credential "$(credential first.toml)"
STORE=$(cat answer)
kms connect-custom-key-store --custom-key-store-id "$STORE"
await_store CONNECTED
refused XksKeyNotFoundException 'was not found in its external key manager' \
    create-key --origin EXTERNAL_KEY_STORE --custom-key-store-id "$STORE" --xks-key-id payments-2027
ask KeyMetadata.KeyId create-key --origin EXTERNAL_KEY_STORE --custom-key-store-id "$STORE" --xks-key-id payments-2026
KEY=$(cat answer)
ask KeyMetadata.KeyId create-key; NATIVE=$(cat answer)
use_key

echo '# You: another version of the key behind the same id; what was sealed before opens as before'

own key rotate payments-2026 --config proxy.toml
is_sealed_by() {
    aws kms encrypt --key-id "$KEY" --plaintext fileb://plain && grep -q "\"keyVersion\":\"$1\"" own/audit/*
}
until_it is_sealed_by 2
opens sealed

echo '# You have the last word'

own key disable payments-2026 --config proxy.toml
open_sealed() {
    aws kms decrypt --ciphertext-blob fileb://sealed --encryption-context project=nile
}
until_not open_sealed
refused KMSInvalidStateException 'is not enabled in the external key manager' \
    decrypt --ciphertext-blob fileb://sealed --encryption-context project=nile
own key enable payments-2026 --config proxy.toml
until_it open_sealed

echo '# Another credential: your proxy learns it first, then the KMS, and then the old one goes'

own credential new --store /payments > second.toml
cat store.toml first.toml second.toml > new.toml
mv new.toml proxy.toml
signs_with() {
    aws kms update-custom-key-store --custom-key-store-id "$STORE" --xks-proxy-authentication-credential "$(credential "$1")"
}
until_it signs_with second.toml
ask 'CustomKeyStores[0].XksProxyConfiguration.AccessKeyId' describe-custom-key-stores --custom-key-store-id "$STORE"
is "$(id second.toml)"
cat store.toml second.toml > new.toml
mv new.toml proxy.toml
# While the old one can still be given to the KMS, it is not gone; the new one is given back at once.
is_gone() {
    not signs_with "$1" || { signs_with second.toml; return 1; }
}
until_it is_gone first.toml
grep -qF XksProxyIncorrectAuthenticationCredentialException said
opens sealed

echo '# Who used your keys: your log and that of the KMS, held together'

cardea audit verify --journal own/audit
own reconcile --kms data/journal --proxy own/audit

echo '# Without the store the key is of no use'

disconnect_and_return 'is in a custom key store that is not connected to its external key store proxy'

echo '# The end'

delete_all
cardea audit verify --data data
