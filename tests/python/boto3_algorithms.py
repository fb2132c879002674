"""Signatures, MACs, shared secrets and data key pairs by the unmodified boto3: what is answered and how it is refused.

That other libraries agree with them is what interop.py is about.
"""

import unittest

import botocore.exceptions
from boto3_operations import KMS, create_key

MESSAGE = b"attack at dawn"


def sign_key(spec="ECC_NIST_P256"):
    return create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")


class Refused(unittest.TestCase):
    def refuses(self, code, call, **options):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**options)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response["Error"].get("Message", "")


class Signatures(Refused):
    def test_a_signature_is_verified_and_a_wrong_one_never_answered_false(self):
        key = sign_key()
        made = KMS.sign(KeyId=key["KeyId"], Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256")
        self.assertEqual((made["KeyId"], made["SigningAlgorithm"]), (key["Arn"], "ECDSA_SHA_256"))
        options = {"KeyId": key["Arn"], "Signature": made["Signature"], "SigningAlgorithm": "ECDSA_SHA_256"}
        verified = KMS.verify(Message=MESSAGE, **options)
        self.assertEqual((verified["KeyId"], verified["SignatureValid"]), (key["Arn"], True))
        with self.assertRaises(KMS.exceptions.KMSInvalidSignatureException):
            KMS.verify(Message=MESSAGE + b"!", **options)

    def test_a_public_key_says_what_it_is_for(self):
        key = sign_key("RSA_3072")
        answer = KMS.get_public_key(KeyId=key["KeyId"])
        self.assertEqual((answer["KeyId"], answer["KeySpec"], answer["KeyUsage"]), (key["Arn"], "RSA_3072", "SIGN_VERIFY"))
        self.assertEqual(answer["CustomerMasterKeySpec"], "RSA_3072")
        self.assertEqual(answer["SigningAlgorithms"], key["SigningAlgorithms"])
        self.assertNotIn("EncryptionAlgorithms", answer)

    def test_a_symmetric_key_has_no_public_key(self):
        with self.assertRaises(KMS.exceptions.UnsupportedOperationException):
            KMS.get_public_key(KeyId=create_key()["KeyId"])

    def test_what_does_not_fit_the_key_is_refused(self):
        key = sign_key()["KeyId"]
        said = self.refuses(
            "InvalidKeyUsageException", KMS.sign, KeyId=key, Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_384"
        )
        self.assertEqual(said, "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256.")
        said = self.refuses(
            "ValidationException",
            KMS.sign,
            KeyId=key,
            Message=MESSAGE,
            MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        self.assertEqual(said, "Digest is invalid length for algorithm ECDSA_SHA_256.")
        symmetric = create_key()
        said = self.refuses(
            "InvalidKeyUsageException",
            KMS.sign,
            KeyId=symmetric["KeyId"],
            Message=MESSAGE,
            SigningAlgorithm="ECDSA_SHA_256",
        )
        self.assertEqual(said, f"{symmetric['Arn']} key usage is ENCRYPT_DECRYPT which is not valid for Sign.")

    def test_dry_runs_say_that_they_would_have_succeeded(self):
        key = sign_key()["KeyId"]
        options = {"KeyId": key, "Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256"}
        signature = KMS.sign(**options)["Signature"]
        self.refuses("DryRunOperationException", KMS.sign, DryRun=True, **options)
        self.refuses("DryRunOperationException", KMS.verify, Signature=signature, DryRun=True, **options)


class AsymmetricEncryption(Refused):
    def test_a_ciphertext_is_opened_by_its_key_and_algorithm_only(self):
        key = create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
        options = {"KeyId": key["KeyId"], "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
        sealed = KMS.encrypt(Plaintext=MESSAGE, **options)
        self.assertEqual((sealed["KeyId"], sealed["EncryptionAlgorithm"]), (key["Arn"], "RSAES_OAEP_SHA_256"))
        opened = KMS.decrypt(CiphertextBlob=sealed["CiphertextBlob"], **options)
        self.assertEqual((opened["Plaintext"], opened["KeyId"]), (MESSAGE, key["Arn"]))
        other = create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyId"]
        self.refuses(
            "InvalidCiphertextException",
            KMS.decrypt,
            CiphertextBlob=sealed["CiphertextBlob"],
            **{**options, "KeyId": other},
        )

    def test_re_encryption_goes_from_an_asymmetric_key_to_a_symmetric_one(self):
        source, destination = create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT"), create_key()
        blob = KMS.encrypt(KeyId=source["KeyId"], Plaintext=MESSAGE, EncryptionAlgorithm="RSAES_OAEP_SHA_1")
        moved = KMS.re_encrypt(
            CiphertextBlob=blob["CiphertextBlob"],
            SourceKeyId=source["KeyId"],
            SourceEncryptionAlgorithm="RSAES_OAEP_SHA_1",
            DestinationKeyId=destination["KeyId"],
        )
        self.assertEqual(moved["DestinationEncryptionAlgorithm"], "SYMMETRIC_DEFAULT")
        self.assertEqual(KMS.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"], MESSAGE)

    def test_more_than_fits_is_refused(self):
        key = create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyId"]
        said = self.refuses(
            "ValidationException",
            KMS.encrypt,
            KeyId=key,
            Plaintext=bytes(191),
            EncryptionAlgorithm="RSAES_OAEP_SHA_256",
        )
        self.assertEqual(
            said, "Algorithm RSAES_OAEP_SHA_256 and key spec RSA_2048 cannot encrypt data larger than 190 bytes."
        )


class Macs(Refused):
    def test_a_mac_is_verified_and_a_wrong_one_never_answered_false(self):
        key = create_key(KeySpec="HMAC_512", KeyUsage="GENERATE_VERIFY_MAC")
        self.assertEqual(key["MacAlgorithms"], ["HMAC_SHA_512"])
        options = {"KeyId": key["KeyId"], "MacAlgorithm": "HMAC_SHA_512"}
        made = KMS.generate_mac(Message=MESSAGE, **options)
        self.assertEqual((made["KeyId"], made["MacAlgorithm"], len(made["Mac"])), (key["Arn"], "HMAC_SHA_512", 64))
        verified = KMS.verify_mac(Message=MESSAGE, Mac=made["Mac"], **options)
        self.assertEqual((verified["KeyId"], verified["MacValid"]), (key["Arn"], True))
        for mac in (made["Mac"][:-1], made["Mac"] + b"\0"):
            self.refuses("KMSInvalidMacException", KMS.verify_mac, Message=MESSAGE, Mac=mac, **options)


class SharedSecrets(Refused):
    def test_a_secret_is_derived_with_the_public_key_of_another_key(self):
        ours, theirs = (create_key(KeySpec="ECC_NIST_P384", KeyUsage="KEY_AGREEMENT") for _ in range(2))
        public = KMS.get_public_key(KeyId=theirs["KeyId"])
        self.assertEqual(public["KeyAgreementAlgorithms"], ["ECDH"])
        options = {"KeyId": ours["KeyId"], "KeyAgreementAlgorithm": "ECDH", "PublicKey": public["PublicKey"]}
        answer = KMS.derive_shared_secret(**options)
        self.assertEqual((answer["KeyId"], answer["KeyAgreementAlgorithm"]), (ours["Arn"], "ECDH"))
        self.assertEqual((answer["KeyOrigin"], len(answer["SharedSecret"])), ("AWS_KMS", 48))
        self.refuses("DryRunOperationException", KMS.derive_shared_secret, DryRun=True, **options)
        self.refuses("ValidationException", KMS.derive_shared_secret, **{**options, "PublicKey": b"no key"})

    def test_a_secret_is_encapsulated_and_decapsulated(self):
        key = create_key(KeySpec="ML_KEM_512", KeyUsage="ENCAPSULATE_DECAPSULATE")
        self.assertEqual(key["EncapsulationAlgorithms"], ["ML_KEM"])
        options = {"KeyId": key["KeyId"], "EncapsulationAlgorithm": "ML_KEM"}
        made = KMS.encapsulate(**options)
        blob = made["SharedSecretCiphertextBlob"]
        self.assertEqual((made["KeyId"], len(made["SharedSecret"]), len(blob)), (key["Arn"], 32, 768))
        opened = KMS.decapsulate(SharedSecretCiphertextBlob=blob, **options)
        self.assertEqual((opened["KeyId"], opened["SharedSecret"]), (key["Arn"], made["SharedSecret"]))
        self.refuses(
            "InvalidCiphertextException", KMS.decapsulate, SharedSecretCiphertextBlob=blob[:-1], **options
        )


class DataKeyPairs(Refused):
    def test_a_pair_comes_with_its_private_key_open_and_sealed(self):
        key = create_key()
        context = {"purpose": "test"}
        made = KMS.generate_data_key_pair(KeyId=key["KeyId"], KeyPairSpec="ECC_NIST_P256", EncryptionContext=context)
        self.assertEqual((made["KeyId"], made["KeyPairSpec"]), (key["Arn"], "ECC_NIST_P256"))
        self.assertEqual(made["KeyMaterialId"], key["CurrentKeyMaterialId"])
        opened = KMS.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext=context)
        self.assertEqual(opened["Plaintext"], made["PrivateKeyPlaintext"])

    def test_a_pair_without_plaintext_has_none(self):
        made = KMS.generate_data_key_pair_without_plaintext(KeyId=create_key()["KeyId"], KeyPairSpec="RSA_2048")
        self.assertNotIn("PrivateKeyPlaintext", made)
        KMS.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])

    def test_an_asymmetric_key_seals_no_pair(self):
        key = create_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyId"]
        self.refuses("InvalidKeyUsageException", KMS.generate_data_key_pair, KeyId=key, KeyPairSpec="RSA_2048")


class LastUsage(unittest.TestCase):
    def test_the_last_use_of_a_key_is_known_at_once(self):
        key = create_key()["KeyId"]
        before = KMS.get_key_last_usage(KeyId=key)
        self.assertEqual(before["KeyLastUsage"], {})
        used = KMS.encrypt(KeyId=key, Plaintext=MESSAGE)
        after = KMS.get_key_last_usage(KeyId=key)["KeyLastUsage"]
        self.assertEqual(after["Operation"], "Encrypt")
        self.assertEqual(after["KmsRequestId"], used["ResponseMetadata"]["RequestId"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
