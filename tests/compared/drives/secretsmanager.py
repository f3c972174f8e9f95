"""Secrets Manager."""

from side import Side


def drive(on: Side) -> None:
    ask = on.client("secretsmanager")
    token = "0123456789abcdef0123456789abcdef"
    made = ask("CreateSecret", Name="app/key", SecretString="one", ClientRequestToken=token, Tags=[{"Key": "team", "Value": "a"}])
    ask("CreateSecret", Name="app/key", SecretString="two")
    ask("CreateSecret", Name="no spaces", SecretString="two")
    ask("CreateSecret", Name="both", SecretString="a", SecretBinary=b"a")
    for name in ("no spaces", "both"):
        ask.ask("DeleteSecret", SecretId=name, ForceDeleteWithoutRecovery=True)
    ask("CreateSecret", Name="empty", Description="without a value")
    ask("GetSecretValue", SecretId="empty")
    ask("GetSecretValue", SecretId="nothing")
    ask("GetSecretValue", SecretId=made["ARN"])
    second = ask("PutSecretValue", SecretId="app/key", SecretString="two")["VersionId"]
    ask("PutSecretValue", SecretId="nothing", SecretString="two")
    ask("PutSecretValue", SecretId="app/key")
    ask("GetSecretValue", SecretId="app/key", VersionStage="AWSPREVIOUS")
    ask("GetSecretValue", SecretId="app/key", VersionId=token)
    ask("GetSecretValue", SecretId="app/key", VersionId="0123456789abcdef0123456789abcdff")
    ask("GetSecretValue", SecretId="app/key", VersionStage="MINE")
    ask("ListSecretVersionIds", SecretId="app/key")
    move = {"SecretId": "app/key", "VersionStage": "AWSCURRENT", "MoveToVersionId": token}
    ask("UpdateSecretVersionStage", **move, RemoveFromVersionId=second)
    ask("GetSecretValue", SecretId="app/key")
    ask("UpdateSecret", SecretId="app/key", Description="A key", SecretBinary=b"\x00three")
    ask("UpdateSecret", SecretId="nothing", Description="A key")
    ask("GetSecretValue", SecretId="app/key")
    ask("BatchGetSecretValue", SecretIdList=["app/key", "nothing"])
    ask("BatchGetSecretValue", SecretIdList=["app/key"], Filters=[{"Key": "name", "Values": ["app"]}])
    ask("ListSecretVersionIds", SecretId="app/key", IncludeDeprecated=True)
    ask("ListSecretVersionIds", SecretId="nothing")
    ask("TagResource", SecretId="app/key", Tags=[{"Key": "of", "Value": "tests"}])
    ask("TagResource", SecretId="nothing", Tags=[{"Key": "of", "Value": "tests"}])
    ask("UntagResource", SecretId="app/key", TagKeys=["team"])
    ask("UntagResource", SecretId="nothing", TagKeys=["team"])
    ask("DescribeSecret", SecretId="app/key")
    ask("DescribeSecret", SecretId="nothing")
    ask("ListSecrets")
    ask("ListSecrets", Filters=[{"Key": "name", "Values": ["app/"]}])
    ask("ListSecrets", Filters=[{"Key": "tag-key", "Values": ["of"]}])
    ask("ListSecrets", Filters=[{"Key": "colour", "Values": ["red"]}])
    word = ask.ask("GetRandomPassword", PasswordLength=40)["RandomPassword"]
    if len(word) != 40:
        raise ValueError(word)
    ask("GetRandomPassword", PasswordLength=3)
    ask("GetRandomPassword", PasswordLength=4097)
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"secretsmanager:DeleteSecret","Resource":"*"}]}'
    ask("GetResourcePolicy", SecretId="app/key")
    ask("PutResourcePolicy", SecretId="app/key", ResourcePolicy=policy)
    ask("PutResourcePolicy", SecretId="nothing", ResourcePolicy=policy)
    ask("GetResourcePolicy", SecretId="app/key")
    ask("DeleteResourcePolicy", SecretId="app/key")
    ask("DeleteResourcePolicy", SecretId="nothing")
    ask("DeleteSecret", SecretId="app/key", RecoveryWindowInDays=6)
    ask("DeleteSecret", SecretId="app/key", RecoveryWindowInDays=7, ForceDeleteWithoutRecovery=True)
    ask("DeleteSecret", SecretId="app/key", RecoveryWindowInDays=7)
    ask("GetSecretValue", SecretId="app/key")
    ask("DescribeSecret", SecretId="app/key")
    ask("ListSecrets")
    ask("RestoreSecret", SecretId="app/key")
    ask("RestoreSecret", SecretId="nothing")
    ask("DeleteSecret", SecretId="app/key", ForceDeleteWithoutRecovery=True)
    ask("DeleteSecret", SecretId="nothing")
    ask("DescribeSecret", SecretId="app/key")
