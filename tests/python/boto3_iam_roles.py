"""Roles, managed policies, OpenID Connect providers and simulations by the unmodified boto3, with what root.env says as its only
configuration."""

import json
import unittest
import uuid

import boto3
import botocore.exceptions

IAM = boto3.client("iam")
ACCOUNT = boto3.client("sts").get_caller_identity()["Account"]
POWER_USER = "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser"


def policy(**statement):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}


TRUST = policy(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, Action="sts:AssumeRole")
LIST_KEYS = policy(Action="kms:ListKeys", Resource="*")


def new_name():
    return f"r-{uuid.uuid4()}"


def pages(operation, member, **options):
    found = IAM.get_paginator(operation).paginate(PaginationConfig={"PageSize": 2}, **options)
    return [item for page in found for item in page[member]]


class Roles(unittest.TestCase):
    def setUp(self):
        self.name = new_name()
        self.made = IAM.create_role(
            RoleName=self.name,
            Path="/rivers/",
            AssumeRolePolicyDocument=json.dumps(TRUST),
            Description="the delta",
            MaxSessionDuration=7200,
            Tags=[{"Key": "team", "Value": "delta"}],
        )["Role"]

    def test_what_was_made_is_what_there_is(self):
        self.assertEqual(IAM.get_role(RoleName=self.name)["Role"], self.made)
        self.assertEqual(self.made["AssumeRolePolicyDocument"], TRUST)
        IAM.get_waiter("role_exists").wait(RoleName=self.name, WaiterConfig={"Delay": 0, "MaxAttempts": 1})
        listed = pages("list_roles", "Roles", PathPrefix="/rivers/")
        self.assertIn(self.name, [role["RoleName"] for role in listed])
        self.assertEqual(pages("list_role_tags", "Tags", RoleName=self.name), [{"Key": "team", "Value": "delta"}])
        IAM.untag_role(RoleName=self.name, TagKeys=["team"])
        IAM.tag_role(RoleName=self.name, Tags=[{"Key": "stage", "Value": ""}])
        self.assertEqual(IAM.list_role_tags(RoleName=self.name)["Tags"], [{"Key": "stage", "Value": ""}])

    def test_it_changes_and_goes(self):
        IAM.update_role(RoleName=self.name, MaxSessionDuration=3600)
        self.assertEqual(IAM.update_role_description(RoleName=self.name, Description="d")["Role"]["Description"], "d")
        trust = policy(Principal={"Service": "ec2.amazonaws.com"}, Action="sts:AssumeRole")
        IAM.update_assume_role_policy(RoleName=self.name, PolicyDocument=json.dumps(trust))
        role = IAM.get_role(RoleName=self.name)["Role"]
        self.assertEqual((role["AssumeRolePolicyDocument"], role["MaxSessionDuration"]), (trust, 3600))
        IAM.put_role_policy(RoleName=self.name, PolicyName="own", PolicyDocument=json.dumps(LIST_KEYS))
        self.assertEqual(IAM.get_role_policy(RoleName=self.name, PolicyName="own")["PolicyDocument"], LIST_KEYS)
        self.assertEqual(pages("list_role_policies", "PolicyNames", RoleName=self.name), ["own"])
        IAM.attach_role_policy(RoleName=self.name, PolicyArn=POWER_USER)
        attached = pages("list_attached_role_policies", "AttachedPolicies", RoleName=self.name)
        self.assertEqual([one["PolicyArn"] for one in attached], [POWER_USER])
        IAM.put_role_permissions_boundary(RoleName=self.name, PermissionsBoundary=POWER_USER)
        with self.assertRaises(IAM.exceptions.DeleteConflictException):
            IAM.delete_role(RoleName=self.name)
        IAM.delete_role_permissions_boundary(RoleName=self.name)
        IAM.detach_role_policy(RoleName=self.name, PolicyArn=POWER_USER)
        IAM.delete_role_policy(RoleName=self.name, PolicyName="own")
        self.assertEqual(pages("list_instance_profiles_for_role", "InstanceProfiles", RoleName=self.name), [])
        IAM.delete_role(RoleName=self.name)
        with self.assertRaises(IAM.exceptions.NoSuchEntityException):
            IAM.get_role(RoleName=self.name)

    def test_a_trust_policy_that_names_nobody_is_refused(self):
        nobody = policy(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody"}, Action="sts:AssumeRole")
        with self.assertRaises(IAM.exceptions.MalformedPolicyDocumentException):
            IAM.update_assume_role_policy(RoleName=self.name, PolicyDocument=json.dumps(nobody))


class Policies(unittest.TestCase):
    def setUp(self):
        self.name = new_name()
        made = IAM.create_policy(
            PolicyName=self.name,
            Path="/rivers/",
            PolicyDocument=json.dumps(LIST_KEYS),
            Description="keys",
            Tags=[{"Key": "team", "Value": "delta"}],
        )
        self.arn = made["Policy"]["Arn"]

    def test_it_lives_by_its_versions(self):
        IAM.get_waiter("policy_exists").wait(PolicyArn=self.arn, WaiterConfig={"Delay": 0, "MaxAttempts": 1})
        shown = IAM.get_policy(PolicyArn=self.arn)["Policy"]
        self.assertEqual((shown["Description"], shown["DefaultVersionId"], shown["AttachmentCount"]), ("keys", "v1", 0))
        other = policy(Action="kms:ListAliases", Resource="*")
        IAM.create_policy_version(PolicyArn=self.arn, PolicyDocument=json.dumps(other), SetAsDefault=True)
        version = IAM.get_policy_version(PolicyArn=self.arn, VersionId="v2")["PolicyVersion"]
        self.assertEqual((version["Document"], version["IsDefaultVersion"]), (other, True))
        IAM.set_default_policy_version(PolicyArn=self.arn, VersionId="v1")
        IAM.delete_policy_version(PolicyArn=self.arn, VersionId="v2")
        versions = pages("list_policy_versions", "Versions", PolicyArn=self.arn)
        self.assertEqual([one["VersionId"] for one in versions], ["v1"])
        IAM.untag_policy(PolicyArn=self.arn, TagKeys=["TEAM"])
        IAM.tag_policy(PolicyArn=self.arn, Tags=[{"Key": "stage", "Value": "one"}])
        self.assertEqual(pages("list_policy_tags", "Tags", PolicyArn=self.arn), [{"Key": "stage", "Value": "one"}])
        IAM.delete_policy(PolicyArn=self.arn)
        self.assertNotIn(self.arn, [one["Arn"] for one in pages("list_policies", "Policies")])

    def test_whoever_uses_it_is_known(self):
        user = new_name()
        IAM.create_user(UserName=user)
        IAM.attach_user_policy(UserName=user, PolicyArn=self.arn)
        self.assertEqual([one["UserName"] for one in pages("list_entities_for_policy", "PolicyUsers", PolicyArn=self.arn)], [user])
        attached = [one["Arn"] for one in pages("list_policies", "Policies", OnlyAttached=True)]
        self.assertIn(self.arn, attached)
        IAM.detach_user_policy(UserName=user, PolicyArn=self.arn)
        IAM.delete_user(UserName=user)
        IAM.delete_policy(PolicyArn=self.arn)


class Providers(unittest.TestCase):
    def test_a_provider_is_made_changed_and_forgotten(self):
        host = f"{uuid.uuid4()}.example.com"
        made = IAM.create_open_id_connect_provider(Url=f"https://{host}", ClientIDList=["app"], Tags=[{"Key": "k", "Value": "v"}])
        arn = made["OpenIDConnectProviderArn"]
        named = {"OpenIDConnectProviderArn": arn}
        IAM.add_client_id_to_open_id_connect_provider(ClientID="other", **named)
        IAM.remove_client_id_from_open_id_connect_provider(ClientID="app", **named)
        IAM.update_open_id_connect_provider_thumbprint(ThumbprintList=["a" * 40], **named)
        IAM.tag_open_id_connect_provider(Tags=[{"Key": "l", "Value": "w"}], **named)
        IAM.untag_open_id_connect_provider(TagKeys=["k"], **named)
        shown = IAM.get_open_id_connect_provider(**named)
        self.assertEqual((shown["Url"], shown["ClientIDList"], shown["ThumbprintList"]), (host, ["other"], ["a" * 40]))
        self.assertEqual(IAM.list_open_id_connect_provider_tags(**named)["Tags"], [{"Key": "l", "Value": "w"}])
        self.assertIn({"Arn": arn}, IAM.list_open_id_connect_providers()["OpenIDConnectProviderList"])
        IAM.delete_open_id_connect_provider(**named)
        with self.assertRaises(IAM.exceptions.NoSuchEntityException):
            IAM.get_open_id_connect_provider(**named)


class Simulations(unittest.TestCase):
    def test_policies_are_simulated(self):
        entries = [{"ContextKeyName": "aws:SourceIp", "ContextKeyType": "ip", "ContextKeyValues": ["10.0.0.1"]}]
        local = policy(Action="kms:ListKeys", Resource="*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
        asked = {"PolicyInputList": [json.dumps(local)], "ActionNames": ["kms:ListKeys", "kms:Sign"]}
        results = pages("simulate_custom_policy", "EvaluationResults", ContextEntries=entries, **asked)
        self.assertEqual([one["EvalDecision"] for one in results], ["allowed", "implicitDeny"])
        without = IAM.simulate_custom_policy(**asked)["EvaluationResults"][0]
        self.assertEqual((without["EvalDecision"], without["MissingContextValues"]), ("implicitDeny", ["aws:SourceIp"]))
        keys = IAM.get_context_keys_for_custom_policy(PolicyInputList=asked["PolicyInputList"])
        self.assertEqual(keys["ContextKeyNames"], ["aws:SourceIp"])

    def test_an_account_is_told_all_that_it_has(self):
        name = new_name()
        IAM.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        IAM.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(LIST_KEYS))
        found = pages("get_account_authorization_details", "RoleDetailList", Filter=["Role"])
        (role,) = [role for role in found if role["RoleName"] == name]
        self.assertEqual(role["RolePolicyList"], [{"PolicyName": "own", "PolicyDocument": LIST_KEYS}])
        self.assertEqual(role["AssumeRolePolicyDocument"], TRUST)
        self.assertGreaterEqual(IAM.get_account_summary()["SummaryMap"]["Roles"], 1)
        self.assertEqual(pages("list_account_aliases", "AccountAliases"), [])
        simulated = IAM.simulate_principal_policy(PolicySourceArn=role["Arn"], ActionNames=["kms:ListKeys"])
        self.assertEqual(simulated["EvaluationResults"][0]["MatchedStatements"][0]["SourcePolicyId"], f"role_{name}_own")
        keys = IAM.get_context_keys_for_principal_policy(PolicySourceArn=role["Arn"])
        self.assertEqual(keys["ContextKeyNames"], [])

    def test_what_cannot_be_simulated_is_an_error_of_the_input(self):
        with self.assertRaises(botocore.exceptions.ClientError) as refused:
            IAM.simulate_custom_policy(PolicyInputList=["{"], ActionNames=["kms:Sign"])
        self.assertEqual(refused.exception.response["Error"]["Code"], "InvalidInput")


if __name__ == "__main__":
    unittest.main()
