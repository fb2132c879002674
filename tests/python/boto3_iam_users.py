"""Users, groups and access keys by the unmodified boto3, with what root.env says as its only configuration."""

import unittest
import uuid

import boto3
import botocore.exceptions

IAM = boto3.client("iam")
POWER_USER = "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser"
POLICY = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*"}}'


def new_name():
    return f"u-{uuid.uuid4()}"


def pages(operation, member, **options):
    found = IAM.get_paginator(operation).paginate(PaginationConfig={"PageSize": 2}, **options)
    return [item for page in found for item in page[member]]


class Users(unittest.TestCase):
    def setUp(self):
        self.name = new_name()
        self.made = IAM.create_user(UserName=self.name, Path="/rivers/", Tags=[{"Key": "team", "Value": "delta"}])["User"]

    def test_what_was_made_is_what_there_is(self):
        self.assertEqual(IAM.get_user(UserName=self.name)["User"], self.made)
        self.assertEqual(self.made["CreateDate"].tzinfo.utcoffset(None).total_seconds(), 0)
        IAM.get_waiter("user_exists").wait(UserName=self.name, WaiterConfig={"Delay": 0, "MaxAttempts": 1})
        listed = pages("list_users", "Users", PathPrefix="/rivers/")
        self.assertIn(self.name, [user["UserName"] for user in listed])
        self.assertEqual(pages("list_user_tags", "Tags", UserName=self.name), [{"Key": "team", "Value": "delta"}])
        IAM.untag_user(UserName=self.name, TagKeys=["team"])
        IAM.tag_user(UserName=self.name, Tags=[{"Key": "stage", "Value": ""}])
        self.assertEqual(IAM.list_user_tags(UserName=self.name)["Tags"], [{"Key": "stage", "Value": ""}])

    def test_a_policy_document_comes_back_as_it_was_given(self):
        IAM.put_user_policy(UserName=self.name, PolicyName="read", PolicyDocument=POLICY)
        document = IAM.get_user_policy(UserName=self.name, PolicyName="read")["PolicyDocument"]
        self.assertEqual(document["Statement"]["Action"], "kms:ListKeys")
        self.assertEqual(pages("list_user_policies", "PolicyNames", UserName=self.name), ["read"])

    def test_an_access_key_speaks_for_its_user_until_it_is_switched_off(self):
        key = IAM.create_access_key(UserName=self.name)["AccessKey"]
        own = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        kms, iam = boto3.client("kms", **own), boto3.client("iam", **own)
        with self.assertRaises(botocore.exceptions.ClientError) as denied:
            kms.list_keys()
        self.assertEqual(denied.exception.response["Error"]["Code"], "AccessDeniedException")
        IAM.attach_user_policy(UserName=self.name, PolicyArn=POWER_USER)
        kms.list_keys()
        with self.assertRaises(botocore.exceptions.ClientError) as denied:
            iam.get_user()
        self.assertEqual(denied.exception.response["Error"]["Code"], "AccessDenied")
        self.assertEqual(denied.exception.response["ResponseMetadata"]["HTTPStatusCode"], 403)
        used = IAM.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
        self.assertEqual((used["UserName"], used["AccessKeyLastUsed"]["ServiceName"]), (self.name, "iam"))
        IAM.update_access_key(UserName=self.name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
        with self.assertRaises(botocore.exceptions.ClientError) as refused:
            kms.list_keys()
        self.assertEqual(refused.exception.response["Error"]["Code"], "UnrecognizedClientException")
        with self.assertRaises(botocore.exceptions.ClientError) as refused:
            iam.get_user()
        self.assertEqual(refused.exception.response["Error"]["Code"], "InvalidClientTokenId")
        statuses = [one["Status"] for one in pages("list_access_keys", "AccessKeyMetadata", UserName=self.name)]
        self.assertEqual(statuses, ["Inactive"])

    def test_errors_are_the_classes_that_boto3_knows(self):
        with self.assertRaises(IAM.exceptions.EntityAlreadyExistsException):
            IAM.create_user(UserName=self.name)
        with self.assertRaises(IAM.exceptions.NoSuchEntityException):
            IAM.get_user(UserName=new_name())
        with self.assertRaises(IAM.exceptions.MalformedPolicyDocumentException):
            IAM.put_user_policy(UserName=self.name, PolicyName="read", PolicyDocument="{}")
        with self.assertRaises(IAM.exceptions.InvalidInputException):
            IAM.tag_user(UserName=self.name, Tags=[{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}])
        for _ in range(2):
            IAM.create_access_key(UserName=self.name)
        with self.assertRaises(IAM.exceptions.LimitExceededException):
            IAM.create_access_key(UserName=self.name)
        with self.assertRaises(IAM.exceptions.DeleteConflictException):
            IAM.delete_user(UserName=self.name)

    def test_all_that_a_program_clears_away_before_it_deletes_a_user_can_be_asked_for(self):
        group = new_name()
        IAM.create_group(GroupName=group)
        IAM.add_user_to_group(GroupName=group, UserName=self.name)
        IAM.attach_user_policy(UserName=self.name, PolicyArn=POWER_USER)
        IAM.put_user_policy(UserName=self.name, PolicyName="read", PolicyDocument=POLICY)
        IAM.put_user_permissions_boundary(UserName=self.name, PermissionsBoundary=POWER_USER)
        IAM.create_access_key(UserName=self.name)
        for one in pages("list_groups_for_user", "Groups", UserName=self.name):
            IAM.remove_user_from_group(GroupName=one["GroupName"], UserName=self.name)
        self.assertEqual(IAM.list_ssh_public_keys(UserName=self.name)["SSHPublicKeys"], [])
        self.assertEqual(IAM.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"], [])
        self.assertEqual(IAM.list_mfa_devices(UserName=self.name)["MFADevices"], [])
        self.assertEqual(IAM.list_signing_certificates(UserName=self.name)["Certificates"], [])
        specific = IAM.list_service_specific_credentials(UserName=self.name)
        self.assertEqual(specific["ServiceSpecificCredentials"], [])
        for login_profile in (IAM.get_login_profile, IAM.delete_login_profile):
            with self.assertRaises(IAM.exceptions.NoSuchEntityException):
                login_profile(UserName=self.name)
        for key in pages("list_access_keys", "AccessKeyMetadata", UserName=self.name):
            IAM.delete_access_key(UserName=self.name, AccessKeyId=key["AccessKeyId"])
        for policy in pages("list_attached_user_policies", "AttachedPolicies", UserName=self.name):
            IAM.detach_user_policy(UserName=self.name, PolicyArn=policy["PolicyArn"])
        for policy in pages("list_user_policies", "PolicyNames", UserName=self.name):
            IAM.delete_user_policy(UserName=self.name, PolicyName=policy)
        IAM.delete_user_permissions_boundary(UserName=self.name)
        renamed = new_name()
        IAM.update_user(UserName=self.name, NewUserName=renamed)
        IAM.delete_user(UserName=renamed)


class Groups(unittest.TestCase):
    def test_a_group_lives_from_its_creation_to_its_deletion(self):
        name = new_name()
        made = IAM.create_group(GroupName=name)["Group"]
        self.assertEqual(IAM.get_group(GroupName=name)["Group"], made)
        users = [new_name() for _ in range(3)]
        for user in users:
            IAM.create_user(UserName=user)
            IAM.add_user_to_group(GroupName=name, UserName=user)
        IAM.put_group_policy(GroupName=name, PolicyName="read", PolicyDocument=POLICY)
        IAM.attach_group_policy(GroupName=name, PolicyArn=POWER_USER)
        renamed = new_name()
        IAM.update_group(GroupName=name, NewGroupName=renamed)
        found = pages("get_group", "Users", GroupName=renamed)
        self.assertEqual([user["UserName"] for user in found], sorted(users))
        document = IAM.get_group_policy(GroupName=renamed, PolicyName="read")["PolicyDocument"]
        self.assertEqual(document["Version"], "2012-10-17")
        self.assertEqual(pages("list_group_policies", "PolicyNames", GroupName=renamed), ["read"])
        attached = pages("list_attached_group_policies", "AttachedPolicies", GroupName=renamed)
        self.assertEqual([policy["PolicyArn"] for policy in attached], [POWER_USER])
        IAM.detach_group_policy(GroupName=renamed, PolicyArn=POWER_USER)
        IAM.delete_group_policy(GroupName=renamed, PolicyName="read")
        for user in users:
            IAM.remove_user_from_group(GroupName=renamed, UserName=user)
        IAM.delete_group(GroupName=renamed)
        self.assertNotIn(renamed, [group["GroupName"] for group in pages("list_groups", "Groups")])


if __name__ == "__main__":
    unittest.main()
