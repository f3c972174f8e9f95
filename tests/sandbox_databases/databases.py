"""Instances with real data in them: made, written to, copied, destroyed and restored, over a kill of the sandbox, and by a
stack."""

import json
import os
import re
import subprocess
import sys
import time

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

MARK = "k33p-this-secret"
CLASS = {"Engine": "postgres", "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20}


def client(service):
    return botocore.session.get_session().create_client(service, config=Config(retries={"total_max_attempts": 1}))


rds, secrets = client("rds"), client("secretsmanager")


def instance(name):
    return rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def settled(name, wanted="available", seconds=240):
    """Waits until an instance has a status, and fails as soon as it has failed."""
    end = time.monotonic() + seconds
    while (found := instance(name))["DBInstanceStatus"] != wanted:
        assert found["DBInstanceStatus"] not in ("failed", "incompatible-parameters"), events()
        assert time.monotonic() < end, (name, found["DBInstanceStatus"], wanted)
        time.sleep(0.2)
    return found


def gone(name, seconds=240):
    end = time.monotonic() + seconds
    while True:
        try:
            instance(name)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "DBInstanceNotFound", error
            return
        assert time.monotonic() < end, name
        time.sleep(0.2)


def snapshot(name, seconds=240):
    end = time.monotonic() + seconds
    while (found := rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0])["Status"] != "available":
        assert found["Status"] != "failed" and time.monotonic() < end, (found, events())
        time.sleep(0.2)
    return found


def events():
    return [event["Message"] for event in rds.describe_events(Duration=600)["Events"]]


def sql(found, user, password, statement, database="app", tls="require", fails=False):
    """Asks a database, by TLS whose certificate is checked where that is said."""
    at = f"host={found['Endpoint']['Address']} port={found['Endpoint']['Port']} user={user} dbname={database} sslmode={tls}"
    if tls.startswith("verify"):
        at += f" sslrootcert={os.environ['RDS_DIR']}/ca.pem"
    out = subprocess.run(
        ["psql", at, "-v", "ON_ERROR_STOP=1", "-tAc", statement],
        env={"PATH": os.environ["PATH"], "PGPASSWORD": password, "HOME": os.environ["HOME"]},
        capture_output=True,
        text=True,
    )
    assert (out.returncode != 0) == fails, (statement, out.stdout, out.stderr)
    return out.stderr.strip() if fails else out.stdout.strip()


def managed(found):
    secret = secrets.get_secret_value(SecretId=found["MasterUserSecret"]["SecretArn"])
    return json.loads(secret["SecretString"])


def confined(found, password):
    """The master user makes roles and grants them, and reaches nothing outside the database."""
    ask = lambda statement, **more: sql(found, "owner", password, statement, **more)  # noqa: E731
    ask("CREATE ROLE reader; GRANT reader TO owner; GRANT pg_monitor TO owner; DROP ROLE reader")
    for role in ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"):
        assert "does not exist" in ask(f"GRANT {role} TO owner", fails=True)
        assert "reserved" in ask(f"CREATE ROLE {role}", fails=True)
    for statement in (
        "CREATE TEMP TABLE t (a text); COPY t FROM PROGRAM 'id'",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "COPY (SELECT 1) TO '/tmp/pave-written-by-the-master-user'",
        "CREATE TEMP TABLE t (a text); COPY t FROM '/etc/hostname'",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT lo_import('/etc/hostname')",
        "ALTER SYSTEM SET work_mem = '8MB'",
        "GRANT rdsadmin TO owner",
        "CREATE ROLE more SUPERUSER",
    ):
        said = ask(statement, fails=True)
        assert re.search("permission denied|must be superuser|CREATEROLE|SUPERUSER", said), (statement, said)
    assert ask("SHOW rds.force_ssl") == "1"


def before():
    password = f"{MARK}-1"
    rds.create_db_instance(
        DBInstanceIdentifier="Main", DBName="app", MasterUsername="owner", MasterUserPassword=password, **CLASS
    )
    rds.create_db_instance(
        DBInstanceIdentifier="kept", DBName="app", MasterUsername="owner", ManageMasterUserPassword=True,
        BackupRetentionPeriod=0, **CLASS,
    )
    main, kept = settled("main"), settled("kept")
    assert main["MasterUsername"] == "owner" and main["DBName"] == "app", main
    automated = rds.describe_db_snapshots(DBInstanceIdentifier="main", SnapshotType="automated")["DBSnapshots"]
    assert [one["Status"] for one in automated] == ["available"], automated

    sql(main, "owner", password, "CREATE TABLE notes (id int primary key, text text); INSERT INTO notes VALUES (1, 'one')")
    assert sql(main, "owner", password, "SELECT text FROM notes", tls="verify-full") == "one"
    assert "no encryption" in sql(main, "owner", password, "SELECT 1", tls="disable", fails=True)
    assert "password" in sql(main, "owner", "wrong", "SELECT 1", fails=True)
    assert sql(main, "owner", password, "SHOW max_connections") == "112"
    assert sql(main, "owner", password, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == "f"

    confined(main, password)

    # What RDS keeps the password of, and what it makes of it.
    secret = managed(kept)
    assert set(secret) == {"username", "password"} and secret["username"] == "owner", list(secret)
    described = secrets.describe_secret(SecretId=kept["MasterUserSecret"]["SecretArn"])
    assert described["OwningService"] == "rds" and described["Name"].startswith("rds!db-"), described
    assert sql(kept, "owner", secret["password"], "SELECT 1") == "1"
    rds.modify_db_instance(DBInstanceIdentifier="kept", RotateMasterUserPassword=True, ApplyImmediately=True)
    settled("kept")
    rotated = managed(instance("kept"))
    assert rotated["password"] != secret["password"]
    assert sql(kept, "owner", rotated["password"], "SELECT 1") == "1"
    assert "password" in sql(kept, "owner", secret["password"], "SELECT 1", fails=True)

    rds.create_db_snapshot(DBSnapshotIdentifier="first", DBInstanceIdentifier="main")
    snapshot("first")
    settled("main")
    sql(main, "owner", password, "INSERT INTO notes VALUES (2, 'two')")
    # Nobody waits for this one: the sandbox is killed while it is being made.
    rds.create_db_instance(
        DBInstanceIdentifier="late", MasterUsername="owner", MasterUserPassword=f"{MARK}-late", **CLASS
    )
    return {"port": main["Endpoint"]["Port"]}


def after(noted):
    password = f"{MARK}-1"
    main = settled("main")
    assert main["Endpoint"]["Port"] == noted["port"], (main["Endpoint"], noted)
    assert sql(main, "owner", password, "SELECT string_agg(text, ',' ORDER BY id) FROM notes") == "one,two"
    late = settled("late")
    assert sql(late, "owner", f"{MARK}-late", "SELECT 1", database="postgres") == "1"

    # Parameters: one that is in force at once, one that waits for a reboot.
    family = rds.describe_db_engine_versions(Engine="postgres")["DBEngineVersions"][0]["DBParameterGroupFamily"]
    rds.create_db_parameter_group(DBParameterGroupName="mine", DBParameterGroupFamily=family, Description="mine")
    rds.modify_db_instance(DBInstanceIdentifier="main", DBParameterGroupName="mine", ApplyImmediately=True)
    rds.modify_db_parameter_group(
        DBParameterGroupName="mine",
        Parameters=[
            {"ParameterName": "log_min_duration_statement", "ParameterValue": "0", "ApplyMethod": "immediate"},
            {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"},
            {"ParameterName": "max_connections", "ParameterValue": "33", "ApplyMethod": "pending-reboot"},
        ],
    )
    assert instance("main")["DBParameterGroups"][0]["ParameterApplyStatus"] == "pending-reboot"
    end = time.monotonic() + 30
    while sql(main, "owner", password, "SHOW log_min_duration_statement") != "0":
        assert time.monotonic() < end
    assert sql(main, "owner", password, "SHOW max_connections", tls="disable") == "112"
    rds.reboot_db_instance(DBInstanceIdentifier="main")
    main = settled("main")
    assert main["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"
    assert sql(main, "owner", password, "SHOW max_connections") == "33"

    # A new password, a stop, a start.
    password = f"{MARK}-2"
    rds.modify_db_instance(DBInstanceIdentifier="main", MasterUserPassword=password)
    main = settled("main")
    assert sql(main, "owner", password, "SELECT 1") == "1"
    rds.stop_db_instance(DBInstanceIdentifier="main")
    settled("main", "stopped")
    sql(main, "owner", password, "SELECT 1", fails=True)
    rds.start_db_instance(DBInstanceIdentifier="main")
    main = settled("main")

    # Destroyed with a last snapshot, and made again of both.
    rds.delete_db_instance(DBInstanceIdentifier="main", FinalDBSnapshotIdentifier="last")
    gone("main")
    kinds = {one["DBSnapshotIdentifier"]: one["SnapshotType"] for one in rds.describe_db_snapshots()["DBSnapshots"]}
    assert kinds["first"] == kinds["last"] == "manual" and "automated" not in [
        kinds[name] for name in kinds if name.startswith("rds:main")
    ], kinds
    rds.copy_db_snapshot(SourceDBSnapshotIdentifier="first", TargetDBSnapshotIdentifier="copy")
    rds.delete_db_snapshot(DBSnapshotIdentifier="first")
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="early", DBSnapshotIdentifier="copy")
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="main", DBSnapshotIdentifier="last")
    early, main = settled("early"), settled("main")
    confined(early, f"{MARK}-1")
    assert sql(early, "owner", f"{MARK}-1", "SELECT string_agg(text, ',' ORDER BY id) FROM notes") == "one"
    assert sql(main, "owner", password, "SELECT string_agg(text, ',' ORDER BY id) FROM notes") == "one,two"

    # A secret goes with its instance.
    arn = instance("kept")["MasterUserSecret"]["SecretArn"]
    for name in ("kept", "early", "late"):
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        gone(name)
    try:
        secrets.describe_secret(SecretId=arn)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ResourceNotFoundException", error
    else:
        raise AssertionError("the secret is left")


TEMPLATE = """
Parameters:
  Size: { Type: String, Default: "20" }
Resources:
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties:
      Name: "{{resolve:ssm:/name}}"
      Description: of the database
      GenerateSecretString:
        SecretStringTemplate: '{"username": "owner"}'
        GenerateStringKey: password
        PasswordLength: 30
        ExcludeCharacters: '"@/\\ '
  Subnets:
    Type: AWS::RDS::DBSubnetGroup
    Properties: { DBSubnetGroupDescription: two, SubnetIds: [subnet-0a1b2c3d, subnet-1a1b2c3d] }
  Settings:
    Type: AWS::RDS::DBParameterGroup
    Properties: { Description: mine, Family: "%s", Parameters: { max_connections: 44, rds.force_ssl: 0 } }
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      Engine: postgres
      DBName: app
      DBInstanceClass: "{{resolve:ssm:/class}}"
      AllocatedStorage: !Ref Size
      DBSubnetGroupName: !Ref Subnets
      DBParameterGroupName: !Ref Settings
      BackupRetentionPeriod: 0
      MasterUsername: !Sub "{{resolve:secretsmanager:${Secret}:SecretString:username}}"
      MasterUserPassword: !Sub "{{resolve:secretsmanager:${Secret}:SecretString:password}}"
  Attached:
    Type: AWS::SecretsManager::SecretTargetAttachment
    Properties: { SecretId: !Ref Secret, TargetId: !Ref Database, TargetType: AWS::RDS::DBInstance }
Outputs:
  Database: { Value: !Ref Database }
  Secret: { Value: !Ref Secret }
  Address: { Value: !Sub "${Database.Endpoint.Address}:${Database.Endpoint.Port}" }
"""


def stacks():
    """A stack with a database whose password is made by Secrets Manager, and which leaves a snapshot."""
    stack = client("cloudformation")
    for name, value in (("/class", "db.t3.micro"), ("/name", "of-the-database")):
        client("ssm").put_parameter(Name=name, Type="String", Value=value)
    family = rds.describe_db_engine_versions(Engine="postgres")["DBEngineVersions"][0]["DBParameterGroupFamily"]

    def done(wanted):
        end = time.monotonic() + 300
        while (found := stack.describe_stacks(StackName=arn)["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
            assert time.monotonic() < end
            time.sleep(0.2)
        told = stack.describe_stack_events(StackName=arn)["StackEvents"]
        reasons = [event["ResourceStatusReason"] for event in told if "ResourceStatusReason" in event]
        assert found["StackStatus"] == wanted, (found["StackStatus"], reasons)
        return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}

    arn = stack.create_stack(StackName="databases", TemplateBody=TEMPLATE % family)["StackId"]
    made = done("CREATE_COMPLETE")
    found = instance(made["Database"])
    secret = json.loads(secrets.get_secret_value(SecretId=made["Secret"])["SecretString"])
    assert ":secret:of-the-database-" in made["Secret"], made
    assert f"{secret['host']}:{secret['port']}" == made["Address"] and secret["dbname"] == "app", list(secret)
    assert sql(found, secret["username"], secret["password"], "SHOW max_connections", tls="disable") == "44"
    kept = stack.get_template(StackName=arn)["TemplateBody"]
    assert secret["password"] not in json.dumps(kept, default=str)
    size = [{"ParameterKey": "Size", "ParameterValue": "25"}]
    stack.update_stack(StackName=arn, UsePreviousTemplate=True, Parameters=size)
    made = done("UPDATE_COMPLETE")
    assert instance(made["Database"])["AllocatedStorage"] == 25
    stack.delete_stack(StackName=arn)
    done("DELETE_COMPLETE")
    gone(made["Database"])
    left = rds.describe_db_snapshots()["DBSnapshots"]
    assert [(one["DBInstanceIdentifier"], one["Status"]) for one in left] == [(made["Database"], "available")], left
    assert not rds.describe_db_subnet_groups()["DBSubnetGroups"]
    # What stands for nothing fails the stack, and the error tells no value.
    wrong = """{"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "{{resolve:ssm:/no}}"}}}}"""
    arn = stack.create_stack(StackName="wrong", TemplateBody=wrong)["StackId"]
    done("ROLLBACK_COMPLETE")
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(secret["password"], file)


part, noted = sys.argv[1], sys.argv[2]
if part == "before":
    with open(noted, "w", encoding="utf-8") as file:
        json.dump(before(), file)
elif part == "stacks":
    stacks()
else:
    with open(noted, encoding="utf-8") as file:
        after(json.load(file))
