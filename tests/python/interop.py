"""Keys, signatures, ciphertexts, secrets and MACs of Cardea are those of other libraries, both ways: cryptography, PyCryptodome, openssl.

Each test goes through every spec, algorithm and message type of its table. The tables are written out here, and held against what
Cardea says of its keys, so that nothing is left out unseen.
"""

import contextlib
import functools
import hashlib
import hmac
import os
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from Crypto.Hash import SHA512
from Crypto.PublicKey import ECC, MLKEM
from Crypto.Signature import eddsa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, padding, rsa, utils

# Making RSA keys gives way to everything else that a machine does, and one that has much to do may have it tried again.
KMS = boto3.client("kms", config=Config(retries={"mode": "standard", "max_attempts": 10}))
MESSAGE = b"Cardea keeps the hinges of the doors. " * 40
CONTEXT = {"purpose": "interop"}

RSA = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
CURVES = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
AGREEING = ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"]
ED25519 = "ECC_NIST_EDWARDS25519"
ML_DSA = {"ML_DSA_44": mldsa.MLDSA44PublicKey, "ML_DSA_65": mldsa.MLDSA65PublicKey, "ML_DSA_87": mldsa.MLDSA87PublicKey}
ML_KEM = {"ML_KEM_512": MLKEM.ML_KEM_512, "ML_KEM_768": MLKEM.ML_KEM_768, "ML_KEM_1024": MLKEM.ML_KEM_1024}
HMAC = {"HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}

PAIRS = [*RSA, *CURVES, ED25519, *ML_KEM]
USAGES = {
    "SYMMETRIC_DEFAULT": "ENCRYPT_DECRYPT",
    **{spec: "GENERATE_VERIFY_MAC" for spec in HMAC},
    **{spec: "ENCAPSULATE_DECAPSULATE" for spec in ML_KEM},
}

HASHES = {"SHA_1": hashes.SHA1(), "SHA_256": hashes.SHA256(), "SHA_384": hashes.SHA384(), "SHA_512": hashes.SHA512()}
RSA_SIGNING = [f"RSASSA_{kind}_SHA_{bits}" for kind in ("PKCS1_V1_5", "PSS") for bits in (256, 384, 512)]
RSA_ENCRYPTION = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
SIGNING = {
    **{spec: RSA_SIGNING for spec in RSA},
    "ECC_NIST_P256": ["ECDSA_SHA_256"],
    "ECC_NIST_P384": ["ECDSA_SHA_384"],
    "ECC_NIST_P521": ["ECDSA_SHA_512"],
    "ECC_SECG_P256K1": ["ECDSA_SHA_256"],
    ED25519: ["ED25519_SHA_512", "ED25519_PH_SHA_512"],
    **{spec: ["ML_DSA_SHAKE_256"] for spec in ML_DSA},
}
WRAPPING = {
    **{spec: ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"] for spec in ["SYMMETRIC_DEFAULT", *HMAC]},
    **{spec: ["RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"] for spec in RSA},
    **{
        spec: ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"]
        for spec in [*CURVES, ED25519]
    },
}


def message_types(algorithm):
    """How a message can be given to be signed with that algorithm; the same of what it is that is signed."""
    return {
        "ED25519_SHA_512": ["RAW"],
        "ED25519_PH_SHA_512": ["DIGEST"],
        "ML_DSA_SHAKE_256": ["RAW", "EXTERNAL_MU"],
    }.get(algorithm, ["RAW", "DIGEST"])


def given(public, algorithm, message_type):
    """What is sent in the place of the message."""
    if message_type == "RAW":
        return MESSAGE
    if message_type == "EXTERNAL_MU":
        mu = mldsa.MLDSAMuHasher(public)
        mu.update(MESSAGE)
        return mu.finalize()
    return hashlib.new(hash_of(algorithm).name, MESSAGE).digest()


def hash_of(algorithm):
    return next(value for name, value in HASHES.items() if algorithm.endswith(name))


def rsa_padding(algorithm):
    """AWS's PSS has a salt as long as the digest."""
    if "PKCS1" in algorithm:
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(hash_of(algorithm)), padding.PSS.DIGEST_LENGTH)


def oaep(algorithm):
    hash_function = hash_of(algorithm)
    return padding.OAEP(padding.MGF1(hash_function), hash_function, None)


def verify_outside(public, algorithm, signature):
    """Raises unless the signature is one of MESSAGE."""
    if algorithm == "ED25519_PH_SHA_512":
        eddsa.new(ECC.import_key(spki(public)), "rfc8032").verify(hashed_again(), signature)
    elif isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, MESSAGE, rsa_padding(algorithm), hash_of(algorithm))
    elif isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, MESSAGE, ec.ECDSA(hash_of(algorithm)))
    else:
        public.verify(signature, MESSAGE)


def hashed_again():
    """What AWS's Ed25519ph signs is the digest that it is given: it hashes that once more, as FIPS 186-5 begins."""
    return SHA512.new(hashlib.sha512(MESSAGE).digest())


def sign_outside(private, algorithm):
    if algorithm == "ED25519_PH_SHA_512":
        return eddsa.new(ECC.import_key(pkcs8(private)), "rfc8032").sign(hashed_again())
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(MESSAGE, rsa_padding(algorithm), hash_of(algorithm))
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return private.sign(MESSAGE, ec.ECDSA(hash_of(algorithm)))
    return private.sign(MESSAGE)


@functools.cache
def outside_key(spec):
    """A private key, or the bytes of a secret one, that Cardea has nothing to do with."""
    if spec in RSA:
        return rsa.generate_private_key(65537, RSA[spec])
    if spec in CURVES:
        return ec.generate_private_key(CURVES[spec])
    if spec == ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    return os.urandom(HMAC.get(spec, 32))


def pkcs8(private):
    return private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def spki(public):
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def create_key(spec, usage, **options):
    return KMS.create_key(KeySpec=spec, KeyUsage=usage, **options)["KeyMetadata"]


def public_key(key):
    return serialization.load_der_public_key(KMS.get_public_key(KeyId=key)["PublicKey"])


@functools.cache
def imported_key(spec, usage):
    """The key of that spec from outside as a key of Cardea."""
    return import_key(spec, usage, WRAPPING[spec][-1], "RSA_2048")


def import_key(spec, usage, algorithm, wrapping_spec):
    """The same as a new key, that way."""
    key = create_key(spec, usage, Origin="EXTERNAL")["KeyId"]
    parameters = KMS.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=wrapping_spec)
    wrapping_key = serialization.load_der_public_key(parameters["PublicKey"])
    assert wrapping_key.key_size == RSA[wrapping_spec], wrapping_key.key_size
    KMS.import_key_material(
        KeyId=key,
        ImportToken=parameters["ImportToken"],
        EncryptedKeyMaterial=wrap(wrapping_key, algorithm, material(spec)),
        ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
    )
    return key


def material(spec):
    key = outside_key(spec)
    return key if isinstance(key, bytes) else pkcs8(key)


def wrap(wrapping_key, algorithm, plain):
    if algorithm.startswith("RSAES"):
        return wrapping_key.encrypt(plain, oaep(algorithm))
    between = os.urandom(32)
    return wrapping_key.encrypt(between, oaep(algorithm)) + keywrap.aes_key_wrap_with_padding(between, plain)


def has_room(spec, algorithm, wrapping_spec):
    """Whether that much can be wrapped so: OAEP alone cannot hold a key of P-521 if the wrapping key is short."""
    if not algorithm.startswith("RSAES"):
        return True
    return len(material(spec)) <= RSA[wrapping_spec] // 8 - 2 * hash_of(algorithm).digest_size - 2


@contextlib.contextmanager
def files(**contents):
    """A file of each name, and the paths of all."""
    with tempfile.TemporaryDirectory() as directory:
        paths = {name: os.path.join(directory, name) for name in contents}
        for name, path in paths.items():
            with open(path, "wb") as file:
                file.write(contents[name])
        yield paths


def openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, check=False)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def openssl_verify(public, algorithm, signature):
    with files(public=spki(public), message=MESSAGE, signature=signature) as paths:
        key = ["-pubin", "-keyform", "DER", "-inkey", paths["public"], "-sigfile", paths["signature"]]
        said = openssl("pkeyutl", "-verify", "-rawin", "-in", paths["message"], *key, *openssl_options(algorithm))
    assert b"Signature Verified Successfully" in said, said


def openssl_sign(private, algorithm):
    with files(private=pkcs8(private), message=MESSAGE) as paths:
        key = ["-keyform", "DER", "-inkey", paths["private"]]
        return openssl("pkeyutl", "-sign", "-rawin", "-in", paths["message"], *key, *openssl_options(algorithm))


def openssl_options(algorithm):
    digest = [] if algorithm == "ED25519_SHA_512" else ["-digest", hash_of(algorithm).name]
    pss = ["-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest"] if "PSS" in algorithm else []
    return digest + pss


def openssl_knows(algorithm):
    """The openssl of Debian 12 knows neither Ed25519ph nor ML-DSA."""
    return algorithm not in ("ED25519_PH_SHA_512", "ML_DSA_SHAKE_256")


class Tables(unittest.TestCase):
    """The service model has everything that the tables here have, and SM2."""

    def test_no_spec_is_left_out(self):
        specs = {"SYMMETRIC_DEFAULT", *SIGNING, *ML_KEM, *HMAC}
        self.assertEqual(modelled("KeySpec") - specs, {"SM2"})
        self.assertEqual(modelled("DataKeyPairSpec") - set(PAIRS), {"SM2"})
        self.assertEqual(modelled("WrappingKeySpec") - set(RSA), {"SM2"})

    def test_no_algorithm_is_left_out(self):
        signing = {algorithm for algorithms in SIGNING.values() for algorithm in algorithms}
        self.assertEqual(modelled("SigningAlgorithmSpec") - signing, {"SM2DSA"})
        self.assertEqual(modelled("EncryptionAlgorithmSpec") - {"SYMMETRIC_DEFAULT", *RSA_ENCRYPTION}, {"SM2PKE"})
        self.assertEqual(modelled("MacAlgorithmSpec"), {mac_algorithm(spec)[0] for spec in HMAC})
        types = {kind for algorithm in signing for kind in message_types(algorithm)}
        self.assertEqual(modelled("MessageType"), types)

    def test_no_other_wrapping_algorithm_is_offered(self):
        for spec in [*WRAPPING, *ML_DSA, *ML_KEM]:
            with self.subTest(spec):
                external = {"spec": spec, "usage": USAGES.get(spec, "SIGN_VERIFY"), "Origin": "EXTERNAL"}
                if spec not in WRAPPING:
                    self.refused(create_key, **external)
                    continue
                key = create_key(**external)["KeyId"]
                for algorithm in modelled("AlgorithmSpec") - set(WRAPPING[spec]):
                    options = {"KeyId": key, "WrappingAlgorithm": algorithm, "WrappingKeySpec": "RSA_2048"}
                    self.refused(KMS.get_parameters_for_import, **options)

    def refused(self, call, **options):
        with self.assertRaises(KMS.exceptions.ClientError, msg=options) as caught:
            call(**options)
        code = caught.exception.response["Error"]["Code"]
        self.assertIn(code, ["UnsupportedOperationException", "ValidationException"], options)


def modelled(enumeration):
    return set(KMS.meta.service_model.shape_for(enumeration).enum)


class PublicKeys(unittest.TestCase):
    def test_every_public_key_is_the_encoding_that_other_libraries_make_of_it(self):
        usages = {spec: "SIGN_VERIFY" for spec in SIGNING} | {spec: "ENCAPSULATE_DECAPSULATE" for spec in ML_KEM}
        for spec, usage in usages.items():
            with self.subTest(spec):
                made = create_key(spec, usage)
                answer = KMS.get_public_key(KeyId=made["KeyId"])
                self.assertEqual((answer["KeySpec"], answer["KeyUsage"]), (spec, usage))
                encoded = answer["PublicKey"]
                if spec in ML_KEM:
                    key = MLKEM.import_key(encoded)
                    self.assertEqual((key.param_set, key.export_key()), (ML_KEM[spec], encoded))
                else:
                    key = serialization.load_der_public_key(encoded)
                    self.assertEqual(spki(key), encoded)
                    self.is_of_spec(key, spec)
                if spec not in ML_KEM and spec not in ML_DSA:
                    with files(public=encoded) as paths:
                        der = ["-outform", "DER", "-pubin", "-pubout"]
                        self.assertEqual(openssl("pkey", "-inform", "DER", "-in", paths["public"], *der), encoded)

    def is_of_spec(self, key, spec):
        if spec in RSA:
            self.assertEqual((key.key_size, key.public_numbers().e), (RSA[spec], 65537))
        elif spec in CURVES:
            self.assertEqual(key.curve.name, CURVES[spec].name)
        elif spec in ML_DSA:
            self.assertIsInstance(key, ML_DSA[spec])
        else:
            self.assertIsInstance(key, ed25519.Ed25519PublicKey)


class Signatures(unittest.TestCase):
    def test_signatures_made_here_verify_outside_and_here(self):
        for spec, algorithms in SIGNING.items():
            made = create_key(spec, "SIGN_VERIFY")
            self.assertEqual(made["SigningAlgorithms"], algorithms)
            key, public = made["KeyId"], public_key(made["KeyId"])
            for algorithm in algorithms:
                for message_type in message_types(algorithm):
                    with self.subTest(f"{spec} {algorithm} {message_type}"):
                        signature = KMS.sign(
                            KeyId=key,
                            Message=given(public, algorithm, message_type),
                            MessageType=message_type,
                            SigningAlgorithm=algorithm,
                        )["Signature"]
                        verify_outside(public, algorithm, signature)
                        if openssl_knows(algorithm):
                            openssl_verify(public, algorithm, signature)
                        self.verifies_here_only_unchanged(key, public, algorithm, signature)

    def test_signatures_made_outside_verify_here(self):
        for spec in SIGNING.keys() - ML_DSA.keys():
            key, private = imported_key(spec, "SIGN_VERIFY"), outside_key(spec)
            self.assertEqual(spki(public_key(key)), spki(private.public_key()))
            for algorithm in SIGNING[spec]:
                with self.subTest(f"{spec} {algorithm}"):
                    signatures = [sign_outside(private, algorithm)]
                    if openssl_knows(algorithm):
                        signatures.append(openssl_sign(private, algorithm))
                    for signature in signatures:
                        self.verifies_here_only_unchanged(key, private.public_key(), algorithm, signature)

    def test_an_imported_key_signs_as_it_does_outside(self):
        for spec in SIGNING.keys() - ML_DSA.keys():
            key, public = imported_key(spec, "SIGN_VERIFY"), outside_key(spec).public_key()
            for algorithm in SIGNING[spec]:
                with self.subTest(f"{spec} {algorithm}"):
                    message_type = message_types(algorithm)[-1]
                    signature = KMS.sign(
                        KeyId=key,
                        Message=given(public, algorithm, message_type),
                        MessageType=message_type,
                        SigningAlgorithm=algorithm,
                    )["Signature"]
                    verify_outside(public, algorithm, signature)

    def test_a_representative_that_was_computed_outside_is_the_one_that_is_signed(self):
        for spec in ML_DSA:
            with self.subTest(spec):
                key = create_key(spec, "SIGN_VERIFY")["KeyId"]
                public = public_key(key)
                signature = KMS.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm="ML_DSA_SHAKE_256")["Signature"]
                mu = given(public, "ML_DSA_SHAKE_256", "EXTERNAL_MU")
                public.verify_mu(signature, mu)
                with self.assertRaises(InvalidSignature):
                    public.verify_mu(signature, mu[:-1] + bytes([mu[-1] ^ 1]))

    def verifies_here_only_unchanged(self, key, public, algorithm, signature):
        changed = bytearray(signature)
        changed[len(changed) // 2] ^= 1
        for message_type in message_types(algorithm):
            message = given(public, algorithm, message_type)
            options = {"KeyId": key, "Message": message, "MessageType": message_type, "SigningAlgorithm": algorithm}
            self.assertIs(KMS.verify(Signature=signature, **options)["SignatureValid"], True)
            with self.assertRaises(KMS.exceptions.KMSInvalidSignatureException):
                KMS.verify(Signature=bytes(changed), **options)


class Encryption(unittest.TestCase):
    def test_what_is_encrypted_outside_under_a_public_key_is_opened_here(self):
        for spec in RSA:
            made = create_key(spec, "ENCRYPT_DECRYPT")
            self.assertEqual(made["EncryptionAlgorithms"], RSA_ENCRYPTION)
            public = public_key(made["KeyId"])
            for algorithm in RSA_ENCRYPTION:
                longest = RSA[spec] // 8 - 2 * hash_of(algorithm).digest_size - 2
                for plain in (b"\x00", os.urandom(32), os.urandom(longest)):
                    with self.subTest(f"{spec} {algorithm} {len(plain)}"):
                        for blob in (public.encrypt(plain, oaep(algorithm)), openssl_encrypt(public, algorithm, plain)):
                            opened = KMS.decrypt(
                                KeyId=made["KeyId"], CiphertextBlob=blob, EncryptionAlgorithm=algorithm
                            )
                            self.assertEqual(opened["Plaintext"], plain)

    def test_what_is_encrypted_here_under_an_imported_key_is_opened_outside(self):
        for spec in RSA:
            key, private = imported_key(spec, "ENCRYPT_DECRYPT"), outside_key(spec)
            for algorithm in RSA_ENCRYPTION:
                with self.subTest(f"{spec} {algorithm}"):
                    plain = os.urandom(48)
                    blob = KMS.encrypt(KeyId=key, Plaintext=plain, EncryptionAlgorithm=algorithm)["CiphertextBlob"]
                    self.assertEqual(private.decrypt(blob, oaep(algorithm)), plain)
                    blob = private.public_key().encrypt(plain, oaep(algorithm))
                    opened = KMS.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm=algorithm)
                    self.assertEqual(opened["Plaintext"], plain)

    def test_a_ciphertext_of_another_algorithm_is_not_opened(self):
        key = create_key("RSA_2048", "ENCRYPT_DECRYPT")["KeyId"]
        blob = public_key(key).encrypt(b"x", oaep("RSAES_OAEP_SHA_1"))
        with self.assertRaises(KMS.exceptions.InvalidCiphertextException):
            KMS.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_256")


def openssl_encrypt(public, algorithm, plain):
    name = hash_of(algorithm).name
    options = ["rsa_padding_mode:oaep", f"rsa_oaep_md:{name}", f"rsa_mgf1_md:{name}"]
    with files(public=spki(public), plain=plain) as paths:
        words = [word for option in options for word in ("-pkeyopt", option)]
        key = ["-pubin", "-keyform", "DER", "-inkey", paths["public"]]
        return openssl("pkeyutl", "-encrypt", "-in", paths["plain"], *key, *words)


class DataKeyPairs(unittest.TestCase):
    def test_both_keys_of_a_pair_load_outside_and_belong_together(self):
        wrapping = create_key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")["KeyId"]
        for spec in PAIRS:
            with self.subTest(spec):
                made = KMS.generate_data_key_pair(KeyId=wrapping, KeyPairSpec=spec, EncryptionContext=CONTEXT)
                self.assertEqual(made["KeyPairSpec"], spec)
                blob, private = made["PrivateKeyCiphertextBlob"], made["PrivateKeyPlaintext"]
                opened = KMS.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"]
                self.assertEqual(opened, private)
                self.belong_together(spec, private, made["PublicKey"])

    def test_a_pair_without_plaintext_is_opened_later(self):
        wrapping = create_key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")["KeyId"]
        for spec in PAIRS:
            with self.subTest(spec):
                made = KMS.generate_data_key_pair_without_plaintext(KeyId=wrapping, KeyPairSpec=spec)
                self.assertNotIn("PrivateKeyPlaintext", made)
                private = KMS.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])["Plaintext"]
                self.belong_together(spec, private, made["PublicKey"])

    def belong_together(self, spec, private, public):
        if spec in ML_KEM:
            key = MLKEM.import_key(private)
            self.assertEqual((key.param_set, key.public_key().export_key()), (ML_KEM[spec], public))
            if spec != "ML_KEM_512":
                secret, blob = serialization.load_der_public_key(public).encapsulate()
                loaded = serialization.load_der_private_key(private, None)
                self.assertEqual(loaded.decapsulate(blob), secret)
            return
        key = serialization.load_der_private_key(private, None)
        self.assertEqual(spki(key.public_key()), public)
        for algorithm in SIGNING[spec]:
            verify_outside(serialization.load_der_public_key(public), algorithm, sign_outside(key, algorithm))
        with files(private=private) as paths:
            der = ["-outform", "DER", "-pubout"]
            self.assertEqual(openssl("pkey", "-inform", "DER", "-in", paths["private"], *der), public)
            openssl("pkey", "-inform", "DER", "-in", paths["private"], "-check", "-noout")


class KeyAgreement(unittest.TestCase):
    def test_both_sides_derive_the_same_secret(self):
        for spec in AGREEING:
            made = create_key(spec, "KEY_AGREEMENT")
            self.assertEqual(made["KeyAgreementAlgorithms"], ["ECDH"])
            imported = imported_key(spec, "KEY_AGREEMENT")
            for key in (made["KeyId"], imported):
                with self.subTest(f"{spec} {'imported' if key == imported else 'own'}"):
                    peer, public = ec.generate_private_key(CURVES[spec]), public_key(key)
                    secret = derive(key, spki(peer.public_key()))
                    self.assertEqual(secret, peer.exchange(ec.ECDH(), public))
                    self.assertEqual(secret, openssl_derive(peer, public))
                    self.assertEqual(len(secret), (CURVES[spec].key_size + 7) // 8)

    def test_two_keys_here_derive_the_same_secret(self):
        for spec in AGREEING:
            with self.subTest(spec):
                one, other = (create_key(spec, "KEY_AGREEMENT")["KeyId"] for _ in range(2))
                public = {key: KMS.get_public_key(KeyId=key)["PublicKey"] for key in (one, other)}
                self.assertEqual(derive(one, public[other]), derive(other, public[one]))

    def test_a_public_key_of_another_curve_is_refused(self):
        key = create_key("ECC_NIST_P256", "KEY_AGREEMENT")["KeyId"]
        for curve in (CURVES["ECC_NIST_P384"], CURVES["ECC_SECG_P256K1"]):
            with self.assertRaises(KMS.exceptions.ClientError) as caught:
                derive(key, spki(ec.generate_private_key(curve).public_key()))
            self.assertEqual(caught.exception.response["Error"]["Code"], "ValidationException")


def derive(key, public):
    return KMS.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=public)["SharedSecret"]


def openssl_derive(private, public):
    with files(private=pkcs8(private), public=spki(public)) as paths:
        ours = ["-keyform", "DER", "-inkey", paths["private"]]
        return openssl("pkeyutl", "-derive", *ours, "-peerform", "DER", "-peerkey", paths["public"])


class Encapsulation(unittest.TestCase):
    def test_what_is_encapsulated_outside_is_decapsulated_here(self):
        """ML_KEM_512 has its test in JavaScript: cryptography knows only the two others."""
        for spec, kind in {"ML_KEM_768": mlkem.MLKEM768PublicKey, "ML_KEM_1024": mlkem.MLKEM1024PublicKey}.items():
            with self.subTest(spec):
                made = create_key(spec, "ENCAPSULATE_DECAPSULATE")
                self.assertEqual(made["EncapsulationAlgorithms"], ["ML_KEM"])
                public = public_key(made["KeyId"])
                self.assertIsInstance(public, kind)
                secret, blob = public.encapsulate()
                self.assertEqual(decapsulate(made["KeyId"], blob), secret)
                changed = bytes([blob[0] ^ 1]) + blob[1:]
                self.assertNotEqual(decapsulate(made["KeyId"], changed), secret)
                with self.assertRaises(KMS.exceptions.InvalidCiphertextException):
                    decapsulate(made["KeyId"], blob[:-1])

    def test_what_is_encapsulated_here_is_decapsulated_here(self):
        for spec in ML_KEM:
            with self.subTest(spec):
                key = create_key(spec, "ENCAPSULATE_DECAPSULATE")["KeyId"]
                made = KMS.encapsulate(KeyId=key, EncapsulationAlgorithm="ML_KEM")
                self.assertEqual(decapsulate(key, made["SharedSecretCiphertextBlob"]), made["SharedSecret"])
                self.assertEqual(len(made["SharedSecret"]), 32)


def decapsulate(key, blob):
    answer = KMS.decapsulate(KeyId=key, EncapsulationAlgorithm="ML_KEM", SharedSecretCiphertextBlob=blob)
    return answer["SharedSecret"]


class Macs(unittest.TestCase):
    def test_macs_under_imported_keys_agree_both_ways(self):
        for spec in HMAC:
            algorithm, name = mac_algorithm(spec)
            with self.subTest(spec):
                key = imported_key(spec, "GENERATE_VERIFY_MAC")
                expected = hmac.digest(outside_key(spec), MESSAGE, name)
                made = KMS.generate_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=algorithm)
                self.assertEqual(made["Mac"], expected)
                options = {"KeyId": key, "Message": MESSAGE, "MacAlgorithm": algorithm}
                self.assertIs(KMS.verify_mac(Mac=expected, **options)["MacValid"], True)
                with self.assertRaises(KMS.exceptions.KMSInvalidMacException):
                    KMS.verify_mac(Mac=bytes([expected[0] ^ 1]) + expected[1:], **options)


def mac_algorithm(spec):
    """Its name here and outside."""
    bits = spec.removeprefix("HMAC_")
    return f"HMAC_SHA_{bits}", f"sha{bits}"


class Imports(unittest.TestCase):
    def test_every_key_is_imported_under_every_wrapping_algorithm(self):
        self.all_go_well([(spec, algorithm, "RSA_2048") for spec in WRAPPING for algorithm in WRAPPING[spec]])

    def test_every_kind_of_material_is_imported_under_every_wrapping_algorithm_and_spec(self):
        kinds = ["SYMMETRIC_DEFAULT", "RSA_4096", "ECC_NIST_P521"]
        specs = ["RSA_3072", "RSA_4096"]
        self.all_go_well([(kind, algorithm, spec) for spec in specs for kind in kinds for algorithm in WRAPPING[kind]])

    def all_go_well(self, ways):
        """Two at a time, as making the wrapping keys takes its time."""
        ways = [way for way in ways if has_room(*way)]
        with ThreadPoolExecutor(2) as pool:
            for way, went in zip(ways, pool.map(lambda way: went_wrong(*way), ways), strict=True):
                with self.subTest(" ".join(way)):
                    self.assertIsNone(went)

    def test_material_of_another_spec_or_wrapped_otherwise_is_refused(self):
        key = create_key("ECC_NIST_P256", "SIGN_VERIFY", Origin="EXTERNAL")["KeyId"]
        algorithm = "RSA_AES_KEY_WRAP_SHA_256"
        parameters = KMS.get_parameters_for_import(
            KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048"
        )
        wrapping_key = serialization.load_der_public_key(parameters["PublicKey"])
        refusals = {
            "IncorrectKeyMaterialException": wrap(wrapping_key, algorithm, material("ECC_NIST_P384")),
            "InvalidCiphertextException": wrap(wrapping_key, "RSA_AES_KEY_WRAP_SHA_1", material("ECC_NIST_P256")),
        }
        for error, wrapped in refusals.items():
            with self.subTest(error), self.assertRaises(KMS.exceptions.ClientError) as caught:
                KMS.import_key_material(
                    KeyId=key,
                    ImportToken=parameters["ImportToken"],
                    EncryptedKeyMaterial=wrapped,
                    ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
                )
            self.assertEqual(caught.exception.response["Error"]["Code"], error)


def went_wrong(spec, algorithm, wrapping_spec):
    """What goes wrong with a key that came that way, if anything does."""
    try:
        if spec == "SYMMETRIC_DEFAULT":
            key = import_key(spec, "ENCRYPT_DECRYPT", algorithm, wrapping_spec)
            blob = KMS.encrypt(KeyId=key, Plaintext=MESSAGE, EncryptionContext=CONTEXT)["CiphertextBlob"]
            opened = KMS.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"]
            assert opened == MESSAGE
        elif spec in HMAC:
            key = import_key(spec, "GENERATE_VERIFY_MAC", algorithm, wrapping_spec)
            algorithm, name = mac_algorithm(spec)
            made = KMS.generate_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=algorithm)["Mac"]
            assert made == hmac.digest(outside_key(spec), MESSAGE, name)
        else:
            key, private = import_key(spec, "SIGN_VERIFY", algorithm, wrapping_spec), outside_key(spec)
            signing = SIGNING[spec][0]
            made = KMS.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=signing)["Signature"]
            verify_outside(private.public_key(), signing, made)
            made = sign_outside(private, signing)
            KMS.verify(KeyId=key, Message=MESSAGE, Signature=made, SigningAlgorithm=signing)
    except Exception as error:  # told by the test's own thread
        return repr(error)
    return None


if __name__ == "__main__":
    unittest.main(verbosity=2)
