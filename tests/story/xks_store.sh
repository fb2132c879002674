#!/bin/sh
# An external key store from its beginning to its end: your key stays in your key manager, behind an XKS proxy, and what is encrypted opens
# only as long as both sides want it.
#
#     sh xks_store.sh    # `aws`, `cardea`, `faulty-xks-proxy` and `curl` are on the path
#
# The proxy is the one of our tests, which keeps its keys in memory. It writes into the directory that it is run in, which is empty.
set -eu
. "$(dirname "$0")/key_stores.sh"

echo '# A proxy with one external key and one credential, and a service that trusts its authority'

begin proxy faulty-xks-proxy --certificate-dir . --key mars --access-key-id FIRSTCREDENTIAL234567ABC \
    --secret first/secret/of/an/external/key/store/0123456789 --control 127.0.0.1:0
ENDPOINT=$(sed 's/.* ready \([^ ]*\).*/\1/' proxy.out)
CONTROL=$(sed 's/.* control //' proxy.out)
begin service cardea serve --data data --listen 127.0.0.1:0 --xks-ca ca.pem --dev-clock
. data/root.env

proxy() {
    curl --silent --show-error --fail --data "$1" "$CONTROL/" > /dev/null
}

credential() {
    printf 'AccessKeyId=%s,RawSecretAccessKey=%s' "$1" "$2"
}

echo '# A store, and a key in it'

ask CustomKeyStoreId create-custom-key-store --custom-key-store-name mars --custom-key-store-type EXTERNAL_KEY_STORE \
    --xks-proxy-connectivity PUBLIC_ENDPOINT --xks-proxy-uri-endpoint "$ENDPOINT" --xks-proxy-uri-path /kms/xks/v1 \
    --xks-proxy-authentication-credential "$(credential FIRSTCREDENTIAL234567ABC first/secret/of/an/external/key/store/0123456789)"
STORE=$(cat answer)
refused CustomKeyStoreInvalidStateException '' \
    create-key --origin EXTERNAL_KEY_STORE --custom-key-store-id "$STORE" --xks-key-id mars
kms connect-custom-key-store --custom-key-store-id "$STORE"
await_store CONNECTED
refused XksKeyNotFoundException 'was not found in its external key manager' \
    create-key --origin EXTERNAL_KEY_STORE --custom-key-store-id "$STORE" --xks-key-id venus
ask KeyMetadata.KeyId create-key --origin EXTERNAL_KEY_STORE --custom-key-store-id "$STORE" --xks-key-id mars
KEY=$(cat answer)
ask KeyMetadata.XksKeyConfiguration.Id describe-key --key-id "$KEY"; is mars
refused XksKeyAlreadyInUseException '' \
    create-key --origin EXTERNAL_KEY_STORE --custom-key-store-id "$STORE" --xks-key-id mars
ask KeyMetadata.KeyId create-key; NATIVE=$(cat answer)
use_key

echo '# Your key manager has the last word'

proxy '{"change_key": {"name": "mars", "enabled": false}}'
refused KMSInvalidStateException 'is not enabled in the external key manager' \
    decrypt --ciphertext-blob fileb://sealed --encryption-context project=nile
proxy '{"change_key": {"name": "mars", "enabled": true, "rotate": true}}'
opens sealed

echo '# Without the store the key is of no use'

disconnect_and_return 'is in a custom key store that is not connected to its external key store proxy'

echo '# Another credential: the proxy learns it first, then the service, and then the old one goes'

proxy '{"add_credential": {"access_key_id": "SECONDCREDENTIAL34567ABC", "secret": "second/secret/of/an/external/key/store/012345678"}}'
kms update-custom-key-store --custom-key-store-id "$STORE" --xks-proxy-authentication-credential \
    "$(credential SECONDCREDENTIAL34567ABC second/secret/of/an/external/key/store/012345678)"
proxy '{"remove_credential": "FIRSTCREDENTIAL234567ABC"}'
opens sealed
ask 'CustomKeyStores[0].XksProxyConfiguration.AccessKeyId' describe-custom-key-stores --custom-key-store-name mars
is SECONDCREDENTIAL34567ABC
refused XksProxyIncorrectAuthenticationCredentialException 'could not authenticate AWS KMS' \
    update-custom-key-store --custom-key-store-id "$STORE" --xks-proxy-authentication-credential \
    "$(credential FIRSTCREDENTIAL234567ABC first/secret/of/an/external/key/store/0123456789)"
opens sealed

echo '# The end'

delete_all
cardea audit verify --data data
