"""Keys, aliases, tags, policies, grants and symmetric encryption by the unmodified boto3, with what root.env says as its only configuration."""

import json
import unittest
import uuid

import boto3
import botocore.exceptions

KMS = boto3.client("kms")
NOWHERE = "00000000-0000-4000-8000-000000000000"
CONTEXT = {"purpose": "test", "stage": "π"}


def create_key(**options):
    return KMS.create_key(**options)["KeyMetadata"]


def new_alias():
    return f"alias/{uuid.uuid4()}"


def new_user(*statements):
    """The ARN of a new user that those statements let do something, and KMS as that user calls it."""
    iam, name = boto3.client("iam"), str(uuid.uuid4())
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return arn, boto3.client(
        "kms", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )


def pages(operation, member, kms=KMS, **options):
    """What a paginator finds over all its pages, with how many pages it took."""
    found = list(kms.get_paginator(operation).paginate(PaginationConfig={"PageSize": 2}, **options))
    return [item for page in found for item in page[member]], len(found)


class Keys(unittest.TestCase):
    def test_create_key_answers_the_metadata_that_describe_key_answers(self):
        made = create_key(Description="payroll", Tags=[{"TagKey": "team", "TagValue": "pay"}])
        self.assertEqual(made["KeyState"], "Enabled")
        self.assertEqual(made["KeySpec"], "SYMMETRIC_DEFAULT")
        self.assertEqual(made["KeyUsage"], "ENCRYPT_DECRYPT")
        self.assertEqual(made["EncryptionAlgorithms"], ["SYMMETRIC_DEFAULT"])
        self.assertEqual(made["Arn"].split(":")[:4], ["arn", "aws", "kms", KMS.meta.region_name])
        self.assertEqual(made["Arn"].split(":")[4], made["AWSAccountId"])
        for name in (made["KeyId"], made["Arn"]):
            self.assertEqual(KMS.describe_key(KeyId=name)["KeyMetadata"], made)

    def test_a_spec_that_cardea_does_not_have_is_unsupported(self):
        with self.assertRaises(KMS.exceptions.UnsupportedOperationException):
            KMS.create_key(KeySpec="SM2", KeyUsage="SIGN_VERIFY")

    def test_list_keys_finds_every_key_over_its_pages(self):
        made = {create_key()["KeyId"] for _ in range(5)}
        found, count = pages("list_keys", "Keys")
        self.assertLessEqual(made, {key["KeyId"] for key in found})
        self.assertGreater(count, 2)

    def test_a_disabled_key_is_not_used_until_it_is_enabled(self):
        key = create_key()["KeyId"]
        KMS.disable_key(KeyId=key)
        self.assertEqual(KMS.describe_key(KeyId=key)["KeyMetadata"]["KeyState"], "Disabled")
        with self.assertRaises(KMS.exceptions.DisabledException):
            KMS.encrypt(KeyId=key, Plaintext=b"x")
        KMS.enable_key(KeyId=key)
        KMS.encrypt(KeyId=key, Plaintext=b"x")

    def test_update_key_description(self):
        key = create_key(Description="old")["KeyId"]
        KMS.update_key_description(KeyId=key, Description="new")
        self.assertEqual(KMS.describe_key(KeyId=key)["KeyMetadata"]["Description"], "new")

    def test_a_deletion_is_scheduled_and_cancelled(self):
        key = create_key()
        scheduled = KMS.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
        self.assertEqual((scheduled["KeyState"], scheduled["PendingWindowInDays"]), ("PendingDeletion", 7))
        self.assertEqual(scheduled["KeyId"], key["Arn"])
        with self.assertRaises(KMS.exceptions.KMSInvalidStateException):
            KMS.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
        self.assertEqual(KMS.cancel_key_deletion(KeyId=key["KeyId"])["KeyId"], key["Arn"])
        self.assertEqual(KMS.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"], "Disabled")

    def test_a_key_that_is_nowhere_is_not_found(self):
        with self.assertRaises(KMS.exceptions.NotFoundException) as caught:
            KMS.describe_key(KeyId=NOWHERE)
        error = caught.exception.response["Error"]
        self.assertEqual(error["Code"], "NotFoundException")
        self.assertIn(NOWHERE, error["Message"])
        self.assertRegex(caught.exception.response["ResponseMetadata"]["RequestId"], r"^[0-9a-f-]{36}$")


class Aliases(unittest.TestCase):
    def test_an_alias_is_made_used_moved_listed_and_deleted(self):
        first, second, alias = create_key()["KeyId"], create_key()["KeyId"], new_alias()
        KMS.create_alias(AliasName=alias, TargetKeyId=first)
        self.assertEqual(KMS.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"], first)
        KMS.update_alias(AliasName=alias, TargetKeyId=second)
        self.assertEqual(KMS.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"], second)
        listed = KMS.list_aliases(KeyId=second)["Aliases"]
        self.assertEqual([entry["AliasName"] for entry in listed], [alias])
        self.assertEqual(listed[0]["TargetKeyId"], second)
        KMS.delete_alias(AliasName=alias)
        with self.assertRaises(KMS.exceptions.NotFoundException):
            KMS.describe_key(KeyId=alias)

    def test_an_alias_that_is_taken_already_exists(self):
        key, alias = create_key()["KeyId"], new_alias()
        KMS.create_alias(AliasName=alias, TargetKeyId=key)
        with self.assertRaises(KMS.exceptions.AlreadyExistsException):
            KMS.create_alias(AliasName=alias, TargetKeyId=key)

    def test_a_name_of_aws_itself_is_no_alias_of_ours(self):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            KMS.create_alias(AliasName="alias/aws/mine", TargetKeyId=create_key()["KeyId"])
        self.assertIn(caught.exception.response["Error"]["Code"], ("NotAuthorizedException", "InvalidAliasNameException"))

    def test_list_aliases_finds_every_alias_over_its_pages(self):
        key, made = create_key()["KeyId"], {new_alias() for _ in range(5)}
        for alias in made:
            KMS.create_alias(AliasName=alias, TargetKeyId=key)
        found, count = pages("list_aliases", "Aliases", KeyId=key)
        self.assertEqual({alias["AliasName"] for alias in found}, made)
        self.assertEqual(count, 3)


class Tags(unittest.TestCase):
    def test_tags_are_set_listed_over_pages_and_taken_off(self):
        key = create_key(Tags=[{"TagKey": "a", "TagValue": "1"}])["KeyId"]
        KMS.tag_resource(KeyId=key, Tags=[{"TagKey": name, "TagValue": name} for name in "abcd"])
        found, count = pages("list_resource_tags", "Tags", KeyId=key)
        self.assertEqual({tag["TagKey"]: tag["TagValue"] for tag in found}, {name: name for name in "abcd"})
        self.assertEqual(count, 2)
        KMS.untag_resource(KeyId=key, TagKeys=["a", "c", "never"])
        found, _ = pages("list_resource_tags", "Tags", KeyId=key)
        self.assertEqual({tag["TagKey"] for tag in found}, {"b", "d"})

    def test_a_reserved_tag_is_refused(self):
        with self.assertRaises(KMS.exceptions.TagException):
            KMS.tag_resource(KeyId=create_key()["KeyId"], Tags=[{"TagKey": "aws:mine", "TagValue": ""}])


class Policies(unittest.TestCase):
    def test_a_policy_comes_back_byte_for_byte(self):
        made = create_key()
        default = KMS.get_key_policy(KeyId=made["KeyId"], PolicyName="default")
        self.assertIn(made["AWSAccountId"], default["Policy"])
        self.assertEqual(default["PolicyName"], "default")
        policy = default["Policy"].replace("{", "{ ", 1) + "\n"
        KMS.put_key_policy(KeyId=made["KeyId"], PolicyName="default", Policy=policy)
        self.assertEqual(KMS.get_key_policy(KeyId=made["KeyId"])["Policy"], policy)

    def test_list_key_policies(self):
        found, _ = pages("list_key_policies", "PolicyNames", KeyId=create_key()["KeyId"])
        self.assertEqual(found, ["default"])

    def test_a_policy_that_is_no_json_is_malformed(self):
        with self.assertRaises(KMS.exceptions.MalformedPolicyDocumentException):
            KMS.put_key_policy(KeyId=create_key()["KeyId"], PolicyName="default", Policy="{")


class Grants(unittest.TestCase):
    def test_a_grant_is_made_used_by_its_token_listed_and_revoked(self):
        key, user, kms = create_key()["KeyId"], *new_user()
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=CONTEXT)
        self.assertEqual(caught.exception.response["Error"]["Code"], "AccessDeniedException")
        self.assertIn(f"User: {user} is not authorized to perform: kms:Encrypt", str(caught.exception))
        made = KMS.create_grant(
            KeyId=key,
            GranteePrincipal=user,
            Operations=["Encrypt"],
            Constraints={"EncryptionContextSubset": {"purpose": "test"}},
            Name="by-boto3",
        )
        kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=CONTEXT, GrantTokens=[made["GrantToken"]])
        kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=CONTEXT)
        with self.assertRaises(botocore.exceptions.ClientError):
            kms.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"]])
        (listed,) = KMS.list_grants(KeyId=key)["Grants"]
        self.assertEqual((listed["GrantId"], listed["Name"]), (made["GrantId"], "by-boto3"))
        self.assertEqual((listed["GranteePrincipal"], listed["Operations"]), (user, ["Encrypt"]))
        KMS.revoke_grant(KeyId=key, GrantId=made["GrantId"])
        with self.assertRaises(botocore.exceptions.ClientError):
            kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=CONTEXT, GrantTokens=[made["GrantToken"]])

    def test_whoever_may_retire_a_grant_finds_and_retires_it(self):
        made_key, (user, kms) = create_key(), new_user(
            {"Effect": "Allow", "Action": "kms:ListRetirableGrants", "Resource": "*"}
        )
        root = f"arn:aws:iam::{made_key['AWSAccountId']}:root"
        grants = [
            KMS.create_grant(
                KeyId=made_key["KeyId"], GranteePrincipal=root, RetiringPrincipal=user, Operations=[operation]
            )
            for operation in ("Decrypt", "Encrypt", "DescribeKey")
        ]
        found, count = pages("list_retirable_grants", "Grants", kms, RetiringPrincipal=user)
        self.assertEqual({grant["GrantId"] for grant in found}, {grant["GrantId"] for grant in grants})
        self.assertEqual(count, 2)
        kms.retire_grant(GrantToken=grants[0]["GrantToken"])
        kms.retire_grant(KeyId=made_key["Arn"], GrantId=grants[1]["GrantId"])
        found, _ = pages("list_grants", "Grants", KeyId=made_key["KeyId"])
        self.assertEqual([grant["GrantId"] for grant in found], [grants[2]["GrantId"]])


class Cryptography(unittest.TestCase):
    def test_what_is_encrypted_is_decrypted_with_its_context_only(self):
        key = create_key()
        sealed = KMS.encrypt(KeyId=key["KeyId"], Plaintext=b"\x00secret\xff", EncryptionContext=CONTEXT)
        self.assertEqual(sealed["KeyId"], key["Arn"])
        self.assertEqual(sealed["EncryptionAlgorithm"], "SYMMETRIC_DEFAULT")
        blob = sealed["CiphertextBlob"]
        opened = KMS.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)
        self.assertEqual((opened["Plaintext"], opened["KeyId"]), (b"\x00secret\xff", key["Arn"]))
        for wrong in ({}, {"purpose": "test"}, {**CONTEXT, "more": ""}):
            with self.assertRaises(KMS.exceptions.InvalidCiphertextException):
                KMS.decrypt(CiphertextBlob=blob, EncryptionContext=wrong)
        with self.assertRaises(KMS.exceptions.IncorrectKeyException):
            KMS.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT, KeyId=create_key()["KeyId"])

    def test_a_changed_ciphertext_is_invalid(self):
        blob = bytearray(KMS.encrypt(KeyId=create_key()["KeyId"], Plaintext=b"x")["CiphertextBlob"])
        blob[-1] ^= 1
        with self.assertRaises(KMS.exceptions.InvalidCiphertextException):
            KMS.decrypt(CiphertextBlob=bytes(blob))

    def test_re_encrypt_moves_a_ciphertext_to_another_key_and_context(self):
        source, destination = create_key(), create_key()
        blob = KMS.encrypt(KeyId=source["KeyId"], Plaintext=b"moved", EncryptionContext=CONTEXT)["CiphertextBlob"]
        moved = KMS.re_encrypt(
            CiphertextBlob=blob,
            SourceEncryptionContext=CONTEXT,
            DestinationKeyId=destination["KeyId"],
            DestinationEncryptionContext={"now": "here"},
        )
        self.assertEqual((moved["SourceKeyId"], moved["KeyId"]), (source["Arn"], destination["Arn"]))
        opened = KMS.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"now": "here"})
        self.assertEqual((opened["Plaintext"], opened["KeyId"]), (b"moved", destination["Arn"]))

    def test_a_data_key_is_what_its_ciphertext_decrypts_to(self):
        key = create_key()["KeyId"]
        made = KMS.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)
        self.assertEqual(len(made["Plaintext"]), 32)
        opened = KMS.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
        self.assertEqual(opened["Plaintext"], made["Plaintext"])

    def test_a_data_key_without_plaintext_has_the_length_asked_for(self):
        made = KMS.generate_data_key_without_plaintext(KeyId=create_key()["KeyId"], NumberOfBytes=77)
        self.assertNotIn("Plaintext", made)
        self.assertEqual(len(KMS.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"]), 77)

    def test_generate_random_is_never_twice_the_same(self):
        first, second = (KMS.generate_random(NumberOfBytes=1024)["Plaintext"] for _ in range(2))
        self.assertEqual((len(first), len(second)), (1024, 1024))
        self.assertNotEqual(first, second)

    def test_a_dry_run_says_that_it_would_have_succeeded(self):
        with self.assertRaises(KMS.exceptions.DryRunOperationException):
            KMS.encrypt(KeyId=create_key()["KeyId"], Plaintext=b"x", DryRun=True)


class Refusals(unittest.TestCase):
    def test_a_wrong_secret_is_an_invalid_signature(self):
        stranger = boto3.client("kms", aws_secret_access_key="wrong", aws_access_key_id=KMS._get_credentials().access_key)
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            stranger.list_keys()
        self.assertEqual(caught.exception.response["Error"]["Code"], "InvalidSignatureException")

    def test_an_unknown_access_key_is_an_unrecognized_client(self):
        stranger = boto3.client("kms", aws_secret_access_key="wrong", aws_access_key_id="AKIA0000000000000000")
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            stranger.list_keys()
        self.assertEqual(caught.exception.response["Error"]["Code"], "UnrecognizedClientException")

    def test_keys_of_another_region_are_not_found_here(self):
        elsewhere = boto3.client("kms", region_name="eu-central-1")
        there = elsewhere.create_key()["KeyMetadata"]
        self.assertEqual(there["Arn"].split(":")[3], "eu-central-1")
        with self.assertRaises(KMS.exceptions.NotFoundException):
            KMS.describe_key(KeyId=there["KeyId"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
