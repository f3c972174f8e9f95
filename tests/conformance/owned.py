"""Policies that resources have of their own: whom they let in, and whom they keep out."""

from typing import Any

from guarded import answered
from roles import PULL, document, signed, trust
from witness import Witness


def statement(effect: str, action: str | list[str], **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": "*", "Action": action, **more}


def buckets(w: Witness, keys: dict[str, str], role: str) -> None:
    s3, mine = w.client("s3"), w.client("s3", **keys)
    it: dict[str, Any] = {"Bucket": "ruled", "Key": "a"}
    s3.create_bucket(Bucket="ruled", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    s3.put_object(**it, Body=b"x")
    bucket, objects = "arn:aws:s3:::ruled", "arn:aws:s3:::ruled/*"

    def rule(*statements: dict[str, Any]) -> None:
        s3.put_bucket_policy(Bucket="ruled", Policy=document(*statements))

    w.refused("AccessDenied", mine.get_object, **it)
    rule(statement("Allow", "s3:GetObject", Resource=objects) | {"Principal": {"AWS": role}})
    mine.get_object(**it)
    w.refused("AccessDenied", mine.put_object, **it, Body=b"y")
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    other = {"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}}
    again = {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
    rule(
        statement("Deny", "s3:*", Resource=[bucket, objects], Condition=plain),
        statement("Deny", "s3:PutObject", Resource=f"{objects}/sealed", Condition=other),
        statement("Deny", "s3:PutObject", Resource=f"{objects}/once", Condition=again),
        statement("Deny", "s3:DeleteObject", Resource=objects, Condition={"ArnNotEquals": {"aws:PrincipalArn": role}}),
    )
    s3.get_object(**it)
    w.refused("AccessDenied", mine.get_object, **it)
    sealed: dict[str, Any] = {"Bucket": "ruled", "Key": "a/sealed", "Body": b"x"}
    w.refused("AccessDenied", s3.put_object, **sealed)
    s3.put_object(**sealed, ServerSideEncryption="AES256")
    once: dict[str, Any] = {"Bucket": "ruled", "Key": "a/once"}
    w.refused("AccessDenied", s3.put_object, **once, Body=b"x")
    s3.put_object(**once, Body=b"x", IfNoneMatch="*")
    s3.abort_multipart_upload(**once, UploadId=s3.create_multipart_upload(**once)["UploadId"])
    told = s3.delete_objects(Bucket="ruled", Delete={"Objects": [{"Key": "a"}]})
    w.holds(f"nothing is removed: {told}", [one["Code"] for one in told["Errors"]] == ["AccessDenied"])
    rule(statement("Deny", "s3:*", Resource=[bucket, objects]))
    w.refused("AccessDenied", s3.list_objects_v2, Bucket="ruled")
    w.refused("AccessDenied", s3.delete_bucket, Bucket="ruled")
    s3.get_bucket_policy(Bucket="ruled")
    s3.delete_bucket_policy(Bucket="ruled")
    for key in ("a", "a/sealed", "a/once"):
        s3.delete_object(Bucket="ruled", Key=key)
    s3.delete_bucket(Bucket="ruled")


def secrets(w: Witness, keys: dict[str, str], role: str) -> None:
    own, mine, it = w.client("secretsmanager"), w.client("secretsmanager", **keys), {"SecretId": "ruled"}
    own.create_secret(Name="ruled", SecretString="hush")
    w.refused("AccessDeniedException", mine.get_secret_value, **it)
    rule = statement("Allow", "secretsmanager:GetSecretValue", Resource="*") | {"Principal": {"AWS": role}}
    own.put_resource_policy(**it, ResourcePolicy=document(rule))
    w.holds("a secret lets in", mine.get_secret_value(**it)["SecretString"] == "hush")
    rule = statement("Deny", "secretsmanager:GetSecretValue", Resource="*")
    own.put_resource_policy(**it, ResourcePolicy=document(rule))
    w.refused("AccessDeniedException", own.get_secret_value, **it)
    own.delete_resource_policy(**it)
    own.get_secret_value(**it)
    own.delete_secret(**it, ForceDeleteWithoutRecovery=True)


def repositories(w: Witness, keys: dict[str, str], role: str) -> None:
    own, mine, it = w.client("ecr"), w.client("ecr", **keys), {"repositoryName": "ruled"}
    own.create_repository(**it)
    token = mine.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    path = f"/v2/ruled/manifests/sha256:{'0' * 64}"
    w.holds("who may pull finds no image", answered("GET", path, token) == 404)
    own.set_repository_policy(**it, policyText=document(statement("Deny", ["ecr:BatchGetImage", "ecr:ListImages"])))
    w.holds("a repository keeps out", answered("GET", path, token) == 403)
    w.refused("AccessDeniedException", own.list_images, **it)
    own.set_repository_policy(**it, policyText=document(statement("Allow", "ecr:PutImageTagMutability") | {"Principal": {"AWS": role}}))
    mine.put_image_tag_mutability(**it, imageTagMutability="MUTABLE")
    own.delete_repository_policy(**it)
    w.refused("AccessDeniedException", mine.put_image_tag_mutability, **it, imageTagMutability="MUTABLE")
    own.delete_repository(**it)


def run(w: Witness, client: Any, account: str) -> None:
    """All of it, for a role that may do nothing but pull images."""
    role = client.create_role(RoleName="ruled", AssumeRolePolicyDocument=trust(AWS=account))["Role"]["Arn"]
    client.attach_role_policy(RoleName="ruled", PolicyArn=PULL)
    keys = signed(w.client("sts").assume_role(RoleArn=role, RoleSessionName="ci")["Credentials"])
    for kind in (buckets, secrets, repositories):
        kind(w, keys, role)
    client.detach_role_policy(RoleName="ruled", PolicyArn=PULL)
    client.delete_role(RoleName="ruled")
