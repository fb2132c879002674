# What the stories of custom key stores are told with. It is read by `xks_store.sh` and `hsm_store.sh`.

# What is started in the background ends with the story, and so does the story if that ends first: `begin name command …` waits for the
# line that says that it is ready, which is in the file `name.out`.
begin() {
    name=$1; shift
    "$@" > "$name.out" 2> "$name.log" &
    echo $! > "$name.pid"
    until grep -q ' ready ' "$name.out"; do
        kill -0 "$(cat "$name.pid")" || { echo "$name did not start:"; cat "$name.log"; exit 1; }
        sleep 0.1
    done
}

finish() {
    for pid in *.pid; do
        kill "$(cat "$pid")" 2> /dev/null || true
    done
}
trap finish EXIT

# The first version of the command line would fetch what begins with https:// and send what it finds there.
printf '[default]\ncli_follow_urlparam = false\n' > config
export AWS_CONFIG_FILE="$PWD/config" AWS_PAGER= AWS_DEFAULT_OUTPUT=json

# Calls an operation: `kms create-key …`. What it answered is in the file `answer`.
kms() {
    echo "aws kms $1"
    aws kms "$@" > answer 2> said || { echo "failed: aws kms $*"; cat said; exit 1; }
}

# The same, of which only one member is wanted, as text: `ask KeyMetadata.KeyId create-key …`. It is in the file `answer`.
ask() {
    member=$1; shift
    kms "$@" --query "$member" --output text
}

# The same, and the member is bytes: `fetch sealed CiphertextBlob encrypt …` puts them into the file `sealed`.
fetch() {
    file=$1 member=$2; shift 2
    ask "$member" "$@"
    base64 -d answer > "$file"
}

# The call must fail with that error and those words: `refused KMSInvalidStateException '<words>' decrypt …`.
refused() {
    error=$1 words=$2; shift 2
    echo "aws kms $1: $error"
    if aws kms "$@" > answer 2> said; then
        echo 'but it was done:'; cat answer
        exit 1
    fi
    grep -qF "An error occurred ($error)" said && grep -qF -- "$words" said || { echo 'but what it said is:'; cat said; exit 1; }
}

# What the last call answered must be this.
is() {
    test "$(cat answer)" = "$1" || { echo "not \`$1\` but:"; cat answer; exit 1; }
}

# Until the store is in that state: `await_store CONNECTED`.
await_store() {
    tries=0
    until ask 'CustomKeyStores[0].ConnectionState' describe-custom-key-stores --custom-key-store-id "$STORE" && test "$(cat answer)" = "$1"; do
        tries=$((tries + 1))
        test $tries -lt 60 || { echo "the store is not $1:"; cat answer; exit 1; }
    done
}

# What was sealed must open: `opens sealed`.
opens() {
    fetch opened Plaintext decrypt --ciphertext-blob "fileb://$1" --encryption-context project=nile
    cmp plain opened
}

# The life of a key in the store, whichever kind it is: `use_key`, with the key in $KEY and a native one in $NATIVE.
use_key() {
    printf 'the nile rises' > plain
    fetch sealed CiphertextBlob encrypt --key-id "$KEY" --plaintext fileb://plain --encryption-context project=nile
    opens sealed
    fetch data-key Plaintext generate-data-key --key-id "$KEY" --key-spec AES_256
    test "$(wc -c < data-key)" -eq 32
    fetch wrapped CiphertextBlob generate-data-key-without-plaintext --key-id "$KEY" --key-spec AES_256
    fetch unwrapped Plaintext decrypt --ciphertext-blob fileb://wrapped
    test "$(wc -c < unwrapped)" -eq 32

    echo '# What a native key has sealed moves into the store'
    fetch native CiphertextBlob encrypt --key-id "$NATIVE" --plaintext fileb://plain --encryption-context project=nile
    fetch moved CiphertextBlob re-encrypt --ciphertext-blob fileb://native --source-encryption-context project=nile \
        --destination-key-id "$KEY" --destination-encryption-context project=nile
    opens moved
}

# Without the store the key is of no use, and nothing else is lost; nor is a store deleted that has keys: `disconnect_and_return '<words>'`.
disconnect_and_return() {
    kms disconnect-custom-key-store --custom-key-store-id "$STORE"
    await_store DISCONNECTED
    refused KMSInvalidStateException "$1" decrypt --ciphertext-blob fileb://sealed --encryption-context project=nile
    ask KeyMetadata.KeyState describe-key --key-id "$KEY"; is Unavailable
    opens native
    refused CustomKeyStoreHasCMKsException '' delete-custom-key-store --custom-key-store-id "$STORE"
    kms connect-custom-key-store --custom-key-store-id "$STORE"
    await_store CONNECTED
    opens sealed
    opens moved
}

# A store is deleted when its last key is, which takes a week at least: the clock is moved.
delete_all() {
    ask KeyState schedule-key-deletion --key-id "$KEY" --pending-window-in-days 7; is PendingDeletion
    refused KMSInvalidStateException 'pending deletion' decrypt --ciphertext-blob fileb://sealed --encryption-context project=nile
    cardea dev advance 8d --data data
    tries=0
    while aws kms describe-key --key-id "$KEY" > answer 2> said; do
        tries=$((tries + 1))
        test $tries -lt 60 || { echo 'the key is not deleted'; exit 1; }
    done
    grep -q NotFoundException said
    kms disconnect-custom-key-store --custom-key-store-id "$STORE"
    await_store DISCONNECTED
    kms delete-custom-key-store --custom-key-store-id "$STORE"
    refused CustomKeyStoreNotFoundException '' describe-custom-key-stores --custom-key-store-id "$STORE"
}
