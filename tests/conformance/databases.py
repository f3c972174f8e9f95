"""RDS: instances with real servers, their snapshots and groups; what is refused, and in which words."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from witness import Witness

CLASS = {"Engine": "postgres", "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20}
USER = {"MasterUsername": "owner", "MasterUserPassword": "correct-horse-1"}


def settled(client: Any, name: str, wanted: str = "available", seconds: float = 240) -> dict[str, Any]:
    """Waits until an instance has a status."""
    end = time.monotonic() + seconds
    while True:
        found: dict[str, Any] = client.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        status = found["DBInstanceStatus"]
        if status == wanted:
            return found
        if status in ("failed", "incompatible-parameters") or time.monotonic() > end:
            messages = [event["Message"] for event in client.describe_events(Duration=60)["Events"]]
            raise AssertionError(f"{name} is {status}, not {wanted}: {messages[-3:]}")
        time.sleep(0.2)


def gone(client: Any, name: str, seconds: float = 240) -> None:
    """Waits until an instance is not there any more."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            client.describe_db_instances(DBInstanceIdentifier=name)
        except ClientError:
            return
        time.sleep(0.2)
    raise AssertionError(f"{name} does not go")


def engines(w: Witness, client: Any) -> str:
    """What there is to be had. Returns the family of the newest version."""
    versions = client.describe_db_engine_versions(Engine="postgres", DefaultOnly=True)["DBEngineVersions"]
    w.holds("a version is the default", len(versions) == 1)
    w.holds("there is no other engine", not client.describe_db_engine_versions(Engine="mysql")["DBEngineVersions"])
    options = client.describe_orderable_db_instance_options(Engine="postgres", DBInstanceClass="db.t3.micro")
    kinds = {one["StorageType"] for one in options["OrderableDBInstanceOptions"]}
    w.holds(f"storage can be ordered: {kinds}", kinds == {"gp2", "gp3", "io1", "io2", "standard"})
    first = client.describe_orderable_db_instance_options(Engine="postgres", MaxRecords=20)
    second = client.describe_orderable_db_instance_options(Engine="postgres", MaxRecords=20, Marker=first["Marker"])
    w.holds("pages differ", first["OrderableDBInstanceOptions"][0] not in second["OrderableDBInstanceOptions"])
    family: str = versions[0]["DBParameterGroupFamily"]
    return family


def groups(w: Witness, client: Any, family: str) -> None:
    subnets = {"DBSubnetGroupDescription": "two", "SubnetIds": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]}
    made = client.create_db_subnet_group(DBSubnetGroupName="Two", Tags=[{"Key": "a", "Value": "b"}], **subnets)
    arn = made["DBSubnetGroup"]["DBSubnetGroupArn"]
    w.refused("DBSubnetGroupAlreadyExists", client.create_db_subnet_group, DBSubnetGroupName="two", **subnets)
    one = {**subnets, "SubnetIds": ["subnet-0a1b2c3d"]}
    w.refused("DBSubnetGroupDoesNotCoverEnoughAZs", client.create_db_subnet_group, DBSubnetGroupName="one", **one)
    none = {**subnets, "SubnetIds": ["net-1"]}
    w.refused("InvalidSubnet", client.create_db_subnet_group, DBSubnetGroupName="one", **none)
    changed = client.modify_db_subnet_group(DBSubnetGroupName="two", **{**subnets, "DBSubnetGroupDescription": "2"})
    w.holds("a subnet group changes", changed["DBSubnetGroup"]["DBSubnetGroupDescription"] == "2")
    told = client.describe_db_subnet_groups(DBSubnetGroupName="two")["DBSubnetGroups"][0]
    w.holds("subnets are told", [one["SubnetIdentifier"] for one in told["Subnets"]] == subnets["SubnetIds"])
    client.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "c", "Value": "d"}])
    client.remove_tags_from_resource(ResourceName=arn, TagKeys=["a"])
    tags = client.list_tags_for_resource(ResourceName=arn)["TagList"]
    w.holds(f"tags are told: {tags}", tags == [{"Key": "c", "Value": "d"}])
    w.refused("DBInstanceNotFound", client.list_tags_for_resource, ResourceName=arn.replace("subgrp:two", "db:no"))
    w.refused("DBSubnetGroupNotFoundFault", client.describe_db_subnet_groups, DBSubnetGroupName="no")

    group = {"DBParameterGroupFamily": family, "Description": "mine"}
    client.create_db_parameter_group(DBParameterGroupName="mine", **group)
    w.refused("DBParameterGroupAlreadyExists", client.create_db_parameter_group, DBParameterGroupName="mine", **group)
    odd = {**group, "DBParameterGroupFamily": "mysql8.0"}
    w.refused("InvalidParameterValue", client.create_db_parameter_group, DBParameterGroupName="odd", **odd)
    named = {one["DBParameterGroupName"] for one in client.describe_db_parameter_groups()["DBParameterGroups"]}
    w.holds(f"groups are told: {named}", {"mine", f"default.{family}"} <= named)
    parameter = {"ParameterName": "work_mem", "ParameterValue": "8192", "ApplyMethod": "immediate"}
    client.modify_db_parameter_group(DBParameterGroupName="mine", Parameters=[parameter])
    user = client.describe_db_parameters(DBParameterGroupName="mine", Source="user")["Parameters"]
    w.holds(f"a value is told: {user}", [(one["ParameterName"], one["ParameterValue"]) for one in user] == [("work_mem", "8192")])
    every = [
        one["ParameterName"]
        for page in client.get_paginator("describe_db_parameters").paginate(DBParameterGroupName="mine")
        for one in page["Parameters"]
    ]
    w.holds("parameters are told once", len(every) == len(set(every)) > 200 and "rds.force_ssl" in every)
    for code, wrong in (
        ("InvalidParameterValue", {**parameter, "ParameterName": "nothing"}),
        ("InvalidParameterValue", {**parameter, "ParameterValue": "1"}),
        ("InvalidParameterValue", {**parameter, "ParameterName": "archive_command", "ParameterValue": "true"}),
        ("InvalidParameterCombination", {**parameter, "ParameterName": "max_connections", "ParameterValue": "30"}),
    ):
        w.refused(code, client.modify_db_parameter_group, DBParameterGroupName="mine", Parameters=[wrong])
    default = {"DBParameterGroupName": f"default.{family}"}
    w.refused("InvalidDBParameterGroupState", client.delete_db_parameter_group, **default)
    w.refused("DBParameterGroupNotFound", client.describe_db_parameters, DBParameterGroupName="no")
    w.refused("DBParameterGroupNotFound", client.describe_db_parameter_groups, DBParameterGroupName="no")


def refusals(w: Witness, client: Any) -> None:
    """What is no instance."""
    base = {"DBInstanceIdentifier": "x", **CLASS, **USER}
    for code, change in (
        ("InvalidParameterValue", {"Engine": "mysql"}),
        ("InvalidParameterValue", {"DBInstanceIdentifier": "x--y"}),
        ("InvalidParameterValue", {"DBInstanceIdentifier": "../x"}),
        ("InvalidParameterValue", {"DBInstanceClass": "db.t9.micro"}),
        ("InvalidParameterCombination", {"AllocatedStorage": 5}),
        ("InvalidParameterCombination", {"EngineVersion": "9.4"}),
        ("InvalidParameterValue", {"MasterUsername": "admin"}),
        ("InvalidParameterValue", {"MasterUserPassword": "short"}),
        ("InvalidParameterValue", {"MasterUserPassword": "with/slash-1"}),
        ("InvalidParameterCombination", {"ManageMasterUserPassword": True}),
        ("InvalidParameterCombination", {"EnableIAMDatabaseAuthentication": True}),
        ("InvalidParameterCombination", {"Domain": "d-1"}),
        ("KMSKeyNotAccessibleFault", {"KmsKeyId": "alias/mine"}),
        ("DBSubnetGroupNotFoundFault", {"DBSubnetGroupName": "no"}),
        ("DBParameterGroupNotFound", {"DBParameterGroupName": "no"}),
        ("InvalidParameterValue", {"PreferredMaintenanceWindow": "never"}),
        ("InvalidParameterValue", {"BackupRetentionPeriod": 36}),
    ):
        w.refused(code, client.create_db_instance, **{**base, **change})
    without = {name: value for name, value in base.items() if name != "MasterUserPassword"}
    w.refused("MissingParameter", client.create_db_instance, **without)
    for call in (client.describe_db_instances, client.reboot_db_instance, client.start_db_instance, client.stop_db_instance):
        w.refused("DBInstanceNotFound", call, DBInstanceIdentifier="no")
    w.refused("DBInstanceNotFound", client.modify_db_instance, DBInstanceIdentifier="no")
    w.refused("InvalidParameterValue", client.describe_db_instances, MaxRecords=5)
    w.refused("InvalidParameterValue", client.describe_db_instances, Filters=[{"Name": "no", "Values": ["x"]}])


def instances(w: Witness, client: Any) -> None:
    made = client.create_db_instance(
        DBInstanceIdentifier="Conforms",
        DBName="app",
        DBSubnetGroupName="two",
        DBParameterGroupName="mine",
        VpcSecurityGroupIds=["sg-0a1b2c3d"],
        EnableCloudwatchLogsExports=["postgresql"],
        MultiAZ=True,
        DeletionProtection=True,
        Tags=[{"Key": "a", "Value": "b"}],
        **CLASS,
        **USER,
    )["DBInstance"]
    w.holds("it is being made", made["DBInstanceStatus"] == "creating" and "Endpoint" not in made)
    w.refused("DBInstanceAlreadyExists", client.create_db_instance, DBInstanceIdentifier="conforms", **CLASS, **USER)
    w.refused("InvalidDBInstanceState", client.reboot_db_instance, DBInstanceIdentifier="conforms")
    found = settled(client, "conforms")
    told = {name: found[name] for name in ("MultiAZ", "AllocatedStorage", "DBName", "StorageType", "BackupRetentionPeriod")}
    expected = {"MultiAZ": True, "AllocatedStorage": 20, "DBName": "app", "StorageType": "gp3", "BackupRetentionPeriod": 1}
    w.holds(f"it is as it was asked for: {told}", told == expected)
    w.holds("it can be reached", found["Endpoint"]["Address"] == "127.0.0.1" and found["Endpoint"]["Port"] > 1024)
    chosen = [{"Name": "db-instance-id", "Values": [found["DBInstanceArn"]]}, {"Name": "engine", "Values": ["postgres"]}]
    w.holds("filters choose it", len(client.describe_db_instances(Filters=chosen)["DBInstances"]) == 1)
    w.refused("InvalidDBSubnetGroupStateFault", client.delete_db_subnet_group, DBSubnetGroupName="two")
    w.refused("InvalidDBParameterGroupState", client.delete_db_parameter_group, DBParameterGroupName="mine")

    changed = client.modify_db_instance(DBInstanceIdentifier="conforms", DBInstanceClass="db.t3.small")["DBInstance"]
    w.holds("a class waits for its window", changed["PendingModifiedValues"] == {"DBInstanceClass": "db.t3.small"})
    client.modify_db_instance(DBInstanceIdentifier="conforms", AllocatedStorage=30, ApplyImmediately=True)
    found = settled(client, "conforms")
    w.holds("what waits is done", (found["DBInstanceClass"], found["AllocatedStorage"]) == ("db.t3.small", 30))
    smaller = {"DBInstanceIdentifier": "conforms", "AllocatedStorage": 20}
    w.refused("InvalidParameterCombination", client.modify_db_instance, **smaller)
    rotation = {"DBInstanceIdentifier": "conforms", "RotateMasterUserPassword": True, "ApplyImmediately": True}
    w.refused("InvalidParameterCombination", client.modify_db_instance, **rotation)
    client.modify_db_instance(DBInstanceIdentifier="conforms", ManageMasterUserPassword=True, ApplyImmediately=True)
    found = settled(client, "conforms")
    w.holds("its password is kept", found.get("MasterUserSecret", {}).get("SecretStatus") == "active")
    arn = found["MasterUserSecret"]["SecretArn"]
    secrets = w.client("secretsmanager")
    w.refused("InvalidRequestException", secrets.delete_secret, SecretId=arn, ForceDeleteWithoutRecovery=True)
    given = {"MasterUserPassword": "correct-horse-2", "ManageMasterUserPassword": False, "ApplyImmediately": True}
    client.modify_db_instance(DBInstanceIdentifier="conforms", **given)
    w.holds("and then not any more", "MasterUserSecret" not in settled(client, "conforms"))
    w.refused("ResourceNotFoundException", secrets.describe_secret, SecretId=arn)
    client.reboot_db_instance(DBInstanceIdentifier="conforms")
    settled(client, "conforms")
    w.refused("InvalidDBInstanceState", client.start_db_instance, DBInstanceIdentifier="conforms")


def snapshots(w: Witness, client: Any) -> None:
    of = {"DBInstanceIdentifier": "conforms"}
    client.create_db_snapshot(DBSnapshotIdentifier="one", **of)
    w.refused("InvalidDBInstanceState", client.create_db_snapshot, DBSnapshotIdentifier="two", **of)
    settled(client, "conforms")
    w.refused("DBSnapshotAlreadyExists", client.create_db_snapshot, DBSnapshotIdentifier="one", **of)
    one = client.describe_db_snapshots(DBSnapshotIdentifier="one")["DBSnapshots"][0]
    w.holds(f"a snapshot is told: {one}", one["Status"] == "available" and one["AllocatedStorage"] == 30)
    copy = {"SourceDBSnapshotIdentifier": one["DBSnapshotArn"], "TargetDBSnapshotIdentifier": "copy"}
    copied = client.copy_db_snapshot(**copy)["DBSnapshot"]
    w.holds("a copy is told", copied["SourceDBSnapshotIdentifier"] == one["DBSnapshotArn"])
    w.refused("DBSnapshotAlreadyExists", client.copy_db_snapshot, **copy)
    kinds = client.describe_db_snapshots(SnapshotType="automated", **of)["DBSnapshots"]
    w.holds("the first is made by itself", [one["DBSnapshotIdentifier"][:13] for one in kinds] == ["rds:conforms-"])
    for call in (client.describe_db_snapshots, client.delete_db_snapshot):
        w.refused("DBSnapshotNotFound", call, DBSnapshotIdentifier="no")
    restore = {"DBInstanceIdentifier": "again", "DBSnapshotIdentifier": "copy"}
    client.restore_db_instance_from_db_snapshot(**restore)
    w.refused("InvalidDBSnapshotState", client.delete_db_snapshot, DBSnapshotIdentifier="copy")
    w.refused("DBInstanceAlreadyExists", client.restore_db_instance_from_db_snapshot, **restore)
    w.refused("DBSnapshotNotFound", client.restore_db_instance_from_db_snapshot, **{**restore, "DBSnapshotIdentifier": "no"})
    w.holds("its user is that of the snapshot", settled(client, "again")["MasterUsername"] == "owner")
    client.delete_db_snapshot(DBSnapshotIdentifier="copy")


def endings(w: Witness, client: Any) -> None:
    client.stop_db_instance(DBInstanceIdentifier="again")
    w.holds("it starts by itself one day", "AutomaticRestartTime" in settled(client, "again", "stopped"))
    w.refused("InvalidDBInstanceState", client.stop_db_instance, DBInstanceIdentifier="again")
    client.start_db_instance(DBInstanceIdentifier="again")
    settled(client, "again")
    delete: Callable[..., Any] = client.delete_db_instance
    w.refused("InvalidParameterCombination", delete, DBInstanceIdentifier="conforms", SkipFinalSnapshot=True)
    client.modify_db_instance(DBInstanceIdentifier="conforms", DeletionProtection=False, ApplyImmediately=True)
    w.refused("InvalidParameterCombination", delete, DBInstanceIdentifier="conforms")
    both = {"SkipFinalSnapshot": True, "FinalDBSnapshotIdentifier": "x"}
    w.refused("InvalidParameterCombination", delete, DBInstanceIdentifier="conforms", **both)
    w.refused("DBSnapshotAlreadyExists", delete, DBInstanceIdentifier="conforms", FinalDBSnapshotIdentifier="one")
    client.delete_db_instance(DBInstanceIdentifier="conforms", FinalDBSnapshotIdentifier="last")
    client.delete_db_instance(DBInstanceIdentifier="again", SkipFinalSnapshot=True)
    for name in ("conforms", "again"):
        gone(client, name)
    for name in ("one", "last"):
        client.delete_db_snapshot(DBSnapshotIdentifier=name)
    client.delete_db_subnet_group(DBSubnetGroupName="two")
    client.delete_db_parameter_group(DBParameterGroupName="mine")
    told = client.describe_events(SourceIdentifier="conforms", SourceType="db-instance", Duration=600)["Events"]
    messages = [event["Message"] for event in told]
    for expected in ("DB instance created", "DB instance restarted", "DB instance deleted"):
        w.holds(f"it is told: {expected}", expected in messages)
    w.refused("InvalidParameterCombination", client.describe_events, SourceIdentifier="conforms")


def rds(w: Witness) -> None:
    """Everything of this page. Without PostgreSQL there is nothing but the refusal to look at."""
    client = w.client("rds")
    if not shutil.which("initdb") and not Path("/usr/lib/postgresql").is_dir():
        base = {"DBInstanceIdentifier": "x", **CLASS, **USER}
        w.refused("InsufficientDBInstanceCapacity", client.create_db_instance, **base)
        return
    family = engines(w, client)
    groups(w, client, family)
    refusals(w, client)
    instances(w, client)
    snapshots(w, client)
    endings(w, client)
