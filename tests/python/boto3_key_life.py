"""The life of a key by the unmodified boto3: imported material, rotation, Regions."""

import datetime
import os
import time
import unittest

import boto3
import botocore.exceptions
from boto3_operations import KMS, create_key
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

THERE = boto3.client("kms", region_name="eu-central-1")
MESSAGE = b"attack at dawn"


def import_material(key, material, **options):
    parameters = KMS.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    public = serialization.load_der_public_key(parameters["PublicKey"])
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    options = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"} if not options else options
    return KMS.import_key_material(
        KeyId=key,
        ImportToken=parameters["ImportToken"],
        EncryptedKeyMaterial=public.encrypt(material, oaep),
        **options,
    )


def state(key, kms=KMS):
    return kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]


def await_state(expected, key, kms):
    """What several Regions take part in takes a moment."""
    deadline = time.monotonic() + 30
    while state(key, kms) != expected:
        assert time.monotonic() < deadline, f"{key} is {state(key, kms)}, not {expected}"
        time.sleep(0.05)


class ImportedMaterial(unittest.TestCase):
    def test_a_key_lives_while_its_material_is_there(self):
        made = create_key(Origin="EXTERNAL", Description="theirs")
        key, material = made["KeyId"], os.urandom(32)
        self.assertEqual((made["KeyState"], made["Origin"], made["Enabled"]), ("PendingImport", "EXTERNAL", False))
        with self.assertRaises(KMS.exceptions.KMSInvalidStateException):
            KMS.encrypt(KeyId=key, Plaintext=MESSAGE)
        imported = import_material(key, material)
        self.assertEqual(imported["KeyId"], made["Arn"])
        self.assertRegex(imported["KeyMaterialId"], "^[0-9a-f]{64}$")
        blob = KMS.encrypt(KeyId=key, Plaintext=MESSAGE)["CiphertextBlob"]
        deleted = KMS.delete_imported_key_material(KeyId=key)
        self.assertEqual((deleted["KeyId"], deleted["KeyMaterialId"]), (made["Arn"], imported["KeyMaterialId"]))
        self.assertEqual(state(key), "PendingImport")
        with self.assertRaises(KMS.exceptions.IncorrectKeyMaterialException):
            import_material(key, os.urandom(32))
        import_material(key, material)
        self.assertEqual(KMS.decrypt(CiphertextBlob=blob)["Plaintext"], MESSAGE)

    def test_material_expires_when_it_was_said_to(self):
        key = create_key(Origin="EXTERNAL")["KeyId"]
        valid_to = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=30)
        import_material(key, os.urandom(32), ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=valid_to)
        metadata = KMS.describe_key(KeyId=key)["KeyMetadata"]
        self.assertEqual((metadata["ExpirationModel"], metadata["ValidTo"]), ("KEY_MATERIAL_EXPIRES", valid_to))

    def test_a_token_of_another_key_is_invalid(self):
        one, other = (create_key(Origin="EXTERNAL")["KeyId"] for _ in range(2))
        token = KMS.get_parameters_for_import(
            KeyId=one, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
        )["ImportToken"]
        with self.assertRaises(KMS.exceptions.InvalidImportTokenException):
            KMS.import_key_material(
                KeyId=other,
                ImportToken=token,
                EncryptedKeyMaterial=bytes(256),
                ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
            )

    def test_a_key_with_material_of_its_own_takes_none(self):
        made = create_key()
        with self.assertRaises(KMS.exceptions.UnsupportedOperationException) as caught:
            KMS.get_parameters_for_import(
                KeyId=made["KeyId"], WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
            )
        self.assertEqual(
            caught.exception.response["Error"]["Message"],
            f"{made['Arn']} origin is AWS_KMS which is not valid for this operation.",
        )

    def test_new_material_waits_for_its_rotation_and_the_old_goes_on_opening(self):
        key = create_key(Origin="EXTERNAL")["KeyId"]
        first = import_material(key, os.urandom(32))["KeyMaterialId"]
        blob = KMS.encrypt(KeyId=key, Plaintext=MESSAGE)["CiphertextBlob"]
        second = import_material(
            key,
            os.urandom(32),
            ImportType="NEW_KEY_MATERIAL",
            ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
            KeyMaterialDescription="second",
        )["KeyMaterialId"]
        self.assertEqual(materials(key), {first: "CURRENT", second: "PENDING_ROTATION"})
        KMS.rotate_key_on_demand(KeyId=key)
        await_materials(self, key, {first: "NON_CURRENT", second: "CURRENT"})
        self.assertEqual(KMS.decrypt(CiphertextBlob=blob)["KeyMaterialId"], first)


def materials(key):
    found = KMS.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")
    return {rotation["KeyMaterialId"]: rotation["KeyMaterialState"] for rotation in found["Rotations"]}


def await_materials(test, key, expected):
    deadline = time.monotonic() + 30
    while materials(key) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    test.assertEqual(materials(key), expected)


class Rotation(unittest.TestCase):
    def test_automatic_rotation_is_switched_on_and_off(self):
        made = create_key()
        key = made["KeyId"]
        self.assertIs(KMS.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"], False)
        KMS.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
        status = KMS.get_key_rotation_status(KeyId=key)
        self.assertEqual((status["KeyRotationEnabled"], status["RotationPeriodInDays"]), (True, 180))
        ahead = status["NextRotationDate"] - datetime.datetime.now(datetime.timezone.utc)
        self.assertAlmostEqual(ahead.total_seconds(), 180 * 86400, delta=300)
        KMS.disable_key_rotation(KeyId=key)
        status = KMS.get_key_rotation_status(KeyId=key)
        self.assertIs(status["KeyRotationEnabled"], False)
        self.assertNotIn("NextRotationDate", status)

    def test_a_rotation_on_demand_is_listed_and_old_ciphertext_opens(self):
        made = create_key()
        key, first = made["KeyId"], made["CurrentKeyMaterialId"]
        blob = KMS.encrypt(KeyId=key, Plaintext=MESSAGE)["CiphertextBlob"]
        self.assertEqual(KMS.rotate_key_on_demand(KeyId=key)["KeyId"], made["Arn"])
        deadline = time.monotonic() + 30
        while KMS.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] == first:
            self.assertLess(time.monotonic(), deadline, "the key was not rotated")
            time.sleep(0.05)
        (rotation,) = KMS.list_key_rotations(KeyId=key)["Rotations"]
        self.assertEqual((rotation["RotationType"], rotation["KeyId"]), ("ON_DEMAND", made["Arn"]))
        pages = KMS.get_paginator("list_key_rotations").paginate(
            KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL", PaginationConfig={"PageSize": 1}
        )
        found = [rotation["KeyMaterialState"] for page in pages for rotation in page["Rotations"]]
        self.assertEqual(sorted(found), ["CURRENT", "NON_CURRENT"])
        opened = KMS.decrypt(CiphertextBlob=blob)
        self.assertEqual((opened["Plaintext"], opened["KeyMaterialId"]), (MESSAGE, first))
        moved = KMS.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key)
        self.assertEqual(moved["SourceKeyMaterialId"], first)
        self.assertNotEqual(moved["DestinationKeyMaterialId"], first)

    def test_a_key_that_is_not_symmetric_is_not_rotated(self):
        key = create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyId"]
        for rotate in (KMS.enable_key_rotation, KMS.rotate_key_on_demand, KMS.list_key_rotations):
            with self.assertRaises(KMS.exceptions.UnsupportedOperationException):
                rotate(KeyId=key)


class Regions(unittest.TestCase):
    def test_a_replica_opens_what_its_primary_sealed_and_becomes_the_primary(self):
        made = create_key(MultiRegion=True)
        key, here, there = made["KeyId"], KMS.meta.region_name, THERE.meta.region_name
        self.assertTrue(key.startswith("mrk-"), key)
        self.assertEqual(made["MultiRegionConfiguration"]["MultiRegionKeyType"], "PRIMARY")
        answer = KMS.replicate_key(
            KeyId=key, ReplicaRegion=there, Description="replica", Tags=[{"TagKey": "a", "TagValue": "b"}]
        )
        metadata = answer["ReplicaKeyMetadata"]
        self.assertEqual((metadata["KeyId"], metadata["Arn"].split(":")[3]), (key, there))
        self.assertEqual(metadata["MultiRegionConfiguration"]["MultiRegionKeyType"], "REPLICA")
        self.assertEqual(answer["ReplicaTags"], [{"TagKey": "a", "TagValue": "b"}])
        await_state("Enabled", key, THERE)
        blob = KMS.encrypt(KeyId=key, Plaintext=MESSAGE)["CiphertextBlob"]
        self.assertEqual(THERE.decrypt(CiphertextBlob=blob)["Plaintext"], MESSAGE)
        with self.assertRaises(KMS.exceptions.AlreadyExistsException):
            KMS.replicate_key(KeyId=key, ReplicaRegion=there)
        KMS.update_primary_region(KeyId=key, PrimaryRegion=there)
        for kms in (KMS, THERE):
            await_state("Enabled", key, kms)
            family = kms.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]
            self.assertEqual(family["PrimaryKey"]["Region"], there)
            self.assertEqual([replica["Region"] for replica in family["ReplicaKeys"]], [here])
        self.assertEqual(THERE.schedule_key_deletion(KeyId=key)["KeyState"], "PendingReplicaDeletion")

    def test_a_key_of_one_region_is_not_replicated(self):
        made = create_key()
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            KMS.replicate_key(KeyId=made["KeyId"], ReplicaRegion=THERE.meta.region_name)
        error = caught.exception.response["Error"]
        self.assertEqual(error["Code"], "UnsupportedOperationException")
        self.assertEqual(error["Message"], f"{made['Arn']} is not a multi-region primary key.")


if __name__ == "__main__":
    unittest.main(verbosity=2)
