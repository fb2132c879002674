#!/bin/sh
# A key store on a cluster of HSMs from its beginning to its end: the key is made in the HSMs, is on both of them, and leaves neither.
#
#     sh hsm_store.sh    # `aws`, `cardea`, `openssl`, `pgrep` and SoftHSM's `softhsm2-util` are on the path; LIBRARY names its library
#
# The HSMs are two tokens of SoftHSM. It writes into the directory that it is run in, which is empty.
set -eu
. "$(dirname "$0")/key_stores.sh"
export SOFTHSM2_CONF="$PWD/softhsm2.conf"

echo '# Two HSMs with a crypto user, the certificate that vouches for them, and a service that knows them as a cluster'

mkdir tokens
echo "directories.tokendir = $PWD/tokens" > softhsm2.conf
for member in one two; do
    softhsm2-util --init-token --free --label $member --so-pin securityofficer7 --pin cryptouser7
done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout anchor.key -out anchor.pem -subj '/CN=the cluster' 2> anchor.log
cat > cardea.toml <<CONFIGURATION
[[hsm_cluster]]
id = "cluster-softhsm2345"
library = "$LIBRARY"
environment = { SOFTHSM2_CONF = "$SOFTHSM2_CONF" }
members = ["one", "two"]
trust_anchor = "$PWD/anchor.pem"
CONFIGURATION
begin service cardea serve --data data --listen 127.0.0.1:0 --config cardea.toml --dev-clock
. data/root.env

echo '# A store, and a key in it'

ask CustomKeyStoreId create-custom-key-store --custom-key-store-name hsms --cloud-hsm-cluster-id cluster-softhsm2345 \
    --key-store-password cryptouser7 --trust-anchor-certificate file://anchor.pem
STORE=$(cat answer)
kms connect-custom-key-store --custom-key-store-id "$STORE"
await_store CONNECTED
ask KeyMetadata.KeyId create-key --origin AWS_CLOUDHSM --custom-key-store-id "$STORE"; KEY=$(cat answer)
ask KeyMetadata.CloudHsmClusterId describe-key --key-id "$KEY"; is cluster-softhsm2345
ask KeyMetadata.KeyId create-key; NATIVE=$(cat answer)
use_key
fetch random Plaintext generate-random --number-of-bytes 32 --custom-key-store-id "$STORE"
test "$(wc -c < random)" -eq 32

echo '# A member is lost, and another one takes its place, while the key is used'

for member in $(pgrep -P "$(cat service.pid)" cardea-pkcs11); do
    kill -9 "$member"
    opens sealed
done

echo '# Without the store the key is of no use'

disconnect_and_return 'is in a custom key store that is not connected to its CloudHSM cluster'

echo '# The end: the key is destroyed in both HSMs, and the journal has the proof'

delete_all
cardea audit verify --data data
cardea audit show --data data > journal
grep '"eventName":"DeleteKey"' journal > deletion
for proof in SUCCESS '\"one\":\"DESTROYED\"' '\"two\":\"DESTROYED\"'; do
    grep -qF -- "$proof" deletion || { echo "no proof $proof in:"; cat deletion; exit 1; }
done
