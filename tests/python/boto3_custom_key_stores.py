"""The six operations of custom key stores by the unmodified boto3, on a store whose proxy is not there: the argument is a VPC endpoint
service that the configuration gives an address where nobody is."""

import secrets
import sys
import time

import boto3

KMS = boto3.client("kms")


def store_of(store_id):
    return KMS.describe_custom_key_stores(CustomKeyStoreId=store_id)["CustomKeyStores"][0]


def await_state(store_id, state):
    deadline = time.monotonic() + 30
    while (store := store_of(store_id))["ConnectionState"] != state:
        assert time.monotonic() < deadline, store
        time.sleep(0.05)
    return store


def main(service):
    made = KMS.create_custom_key_store(
        CustomKeyStoreName="far",
        CustomKeyStoreType="EXTERNAL_KEY_STORE",
        XksProxyConnectivity="VPC_ENDPOINT_SERVICE",
        XksProxyVpcEndpointServiceName=service,
        XksProxyUriEndpoint="https://far.example.com",
        XksProxyUriPath="/kms/xks/v1",
        XksProxyAuthenticationCredential={
            "AccessKeyId": "ABCDEFGHIJKLMNOPQRST",
            "RawSecretAccessKey": secrets.token_hex(32),
        },
    )
    store_id = made["CustomKeyStoreId"]
    described = store_of(store_id)
    assert described["ConnectionState"] == "DISCONNECTED", described
    assert described["XksProxyConfiguration"]["VpcEndpointServiceName"] == service, described
    KMS.connect_custom_key_store(CustomKeyStoreId=store_id)
    assert await_state(store_id, "FAILED")["ConnectionErrorCode"] == "XKS_PROXY_NOT_REACHABLE"
    KMS.disconnect_custom_key_store(CustomKeyStoreId=store_id)
    await_state(store_id, "DISCONNECTED")
    KMS.update_custom_key_store(CustomKeyStoreId=store_id, NewCustomKeyStoreName="farther")
    assert store_of(store_id)["CustomKeyStoreName"] == "farther"
    KMS.delete_custom_key_store(CustomKeyStoreId=store_id)
    try:
        store_of(store_id)
    except KMS.exceptions.CustomKeyStoreNotFoundException:
        return
    raise AssertionError("the store is still there")


if __name__ == "__main__":
    main(sys.argv[1])
