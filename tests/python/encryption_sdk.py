"""The AWS Encryption SDK for Python carries a 10 MB file through a Cardea key and back, by both of its interfaces to KMS."""

import hashlib
import os
import sys
import tempfile

import aws_encryption_sdk
import boto3
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsKeyringInput
from aws_encryption_sdk import CommitmentPolicy, StrictAwsKmsMasterKeyProvider

LENGTH = 10 * 1024 * 1024
CONTEXT = {"file": "payroll", "purpose": "test"}


def main():
    kms = boto3.client("kms")
    key = kms.create_key(Description="Encryption SDK")["KeyMetadata"]["Arn"]
    client = aws_encryption_sdk.EncryptionSDKClient(
        commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT
    )
    with tempfile.TemporaryDirectory() as directory:
        plain = os.path.join(directory, "plain")
        with open(plain, "wb") as file:
            file.write(os.urandom(LENGTH))
        provider = StrictAwsKmsMasterKeyProvider(key_ids=[key])
        round_trip(client, directory, plain, {"key_provider": provider})
        round_trip(client, directory, plain, {"keyring": keyring(key, kms)})
        refuse_without_the_key(client, directory, kms, key)


def keyring(key, kms):
    providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
    return providers.create_aws_kms_keyring(CreateAwsKmsKeyringInput(kms_key_id=key, kms_client=kms))


def round_trip(client, directory, plain, materials):
    sealed, opened = os.path.join(directory, "sealed"), os.path.join(directory, "opened")
    header = stream(client, "e", plain, sealed, encryption_context=CONTEXT, **materials)
    assert header is not None and os.path.getsize(sealed) > LENGTH
    assert plain_bytes_absent(plain, sealed), "the sealed file holds what was to be hidden"
    header = stream(client, "d", sealed, opened, **materials)
    assert CONTEXT.items() <= header.encryption_context.items(), header.encryption_context
    assert digest(opened) == digest(plain), "what came back is not what was sent"
    print("round trip:", *materials)


def stream(client, mode, source, destination, **options):
    with open(source, "rb") as read, open(destination, "wb") as write:
        with client.stream(mode=mode, source=read, **options) as chunks:
            for chunk in chunks:
                write.write(chunk)
            return chunks.header


def refuse_without_the_key(client, directory, kms, key):
    kms.disable_key(KeyId=key)
    sealed, opened = os.path.join(directory, "sealed"), os.path.join(directory, "opened")
    try:
        stream(client, "d", sealed, opened, keyring=keyring(key, kms))
    except Exception as error:
        print("refused while the key is disabled:", type(error).__name__)
    else:
        sys.exit("the file was opened although its key is disabled")


def plain_bytes_absent(plain, sealed):
    with open(plain, "rb") as file:
        piece = file.read(64)
    with open(sealed, "rb") as file:
        return piece not in file.read()


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
