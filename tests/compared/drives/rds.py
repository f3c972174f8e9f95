"""RDS. moto makes an instance in no time and runs nothing; the sandbox runs a server of PostgreSQL."""

from side import Answer, Side

CLASS = {"Engine": "postgres", "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20}
USER = {"MasterUsername": "owner", "MasterUserPassword": "correct-horse-1"}


def drive(on: Side) -> None:
    ask = on.client("rds")
    # moto's answer is none that its client could read, and has no family.
    versions = ask("DescribeDBEngineVersions", Engine="postgres", DefaultOnly=True).get("DBEngineVersions")
    family = versions[0]["DBParameterGroupFamily"] if versions else "postgres15"
    ask("DescribeOrderableDBInstanceOptions", Engine="postgres", DBInstanceClass="db.t3.micro")
    groups(on, ask, family)
    instances(on, ask)
    snapshots(ask)
    for name in ("again", "conforms"):
        ask("DeleteDBInstance", DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    ask.until(lambda told: not told.get("DBInstances"), "DescribeDBInstances")
    ask("DeleteDBSubnetGroup", DBSubnetGroupName="two")
    ask("DeleteDBSubnetGroup", DBSubnetGroupName="two")
    ask("DeleteDBParameterGroup", DBParameterGroupName="mine")
    ask("DeleteDBParameterGroup", DBParameterGroupName="mine")
    ask("DescribeEvents", SourceIdentifier="conforms", SourceType="db-instance")


def groups(on: Side, ask, family: str) -> None:  # noqa: ANN001
    # moto asks its EC2 for the subnets; the sandbox has none.
    there = on.client("ec2").ask("DescribeSubnets").get("Subnets", [])
    ids = sorted(one["SubnetId"] for one in there)[:2] or ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]
    ask("CreateDBSubnetGroup", DBSubnetGroupName="two", DBSubnetGroupDescription="two", SubnetIds=ids)
    ask("CreateDBSubnetGroup", DBSubnetGroupName="two", DBSubnetGroupDescription="two", SubnetIds=ids)
    # moto loses a group that is changed.
    ask.ask("CreateDBSubnetGroup", DBSubnetGroupName="changed", DBSubnetGroupDescription="one", SubnetIds=ids)
    ask("ModifyDBSubnetGroup", DBSubnetGroupName="changed", DBSubnetGroupDescription="2", SubnetIds=ids)
    ask.ask("DeleteDBSubnetGroup", DBSubnetGroupName="changed")
    ask("DescribeDBSubnetGroups", DBSubnetGroupName="two")
    ask("DescribeDBSubnetGroups", DBSubnetGroupName="nothing")
    arn = f"arn:aws:rds:us-east-1:{on.account}:subgrp:two"
    ask("AddTagsToResource", ResourceName=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ask("RemoveTagsFromResource", ResourceName=arn, TagKeys=["a"])
    ask("ListTagsForResource", ResourceName=arn)
    group = {"DBParameterGroupName": "mine", "DBParameterGroupFamily": family, "Description": "mine"}
    ask("CreateDBParameterGroup", **group)
    ask("CreateDBParameterGroup", **group)
    ask("DescribeDBParameterGroups", DBParameterGroupName="mine")
    ask("DescribeDBParameterGroups", DBParameterGroupName="nothing")
    change = {"ParameterName": "work_mem", "ParameterValue": "8192", "ApplyMethod": "immediate"}
    ask("ModifyDBParameterGroup", DBParameterGroupName="mine", Parameters=[change])
    ask("ModifyDBParameterGroup", DBParameterGroupName="nothing", Parameters=[change])
    ask("DescribeDBParameters", DBParameterGroupName="mine", Source="user")
    ask("DescribeDBParameters", DBParameterGroupName="nothing")


def available(told: Answer, wanted: str = "available") -> bool:
    found = told.get("DBInstances")
    return bool(found) and found[0]["DBInstanceStatus"] == wanted


def instances(on: Side, ask) -> None:  # noqa: ANN001
    it = {"DBInstanceIdentifier": "conforms"}
    own = {"DBName": "app", "DBSubnetGroupName": "two", "DBParameterGroupName": "mine"}
    ask("CreateDBInstance", **it, **CLASS, **USER, **own)
    ask.until(available, "DescribeDBInstances", **it)
    ask("CreateDBInstance", **it, **CLASS, **USER)
    ask("CreateDBInstance", DBInstanceIdentifier="x--y", **CLASS, **USER)
    ask("CreateDBInstance", DBInstanceIdentifier="short", **CLASS, **USER | {"MasterUserPassword": "short"})
    for name in ("x--y", "short"):
        ask.ask("DeleteDBInstance", DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    ask("DescribeDBInstances", DBInstanceIdentifier="nothing")
    ask("ModifyDBInstance", **it, AllocatedStorage=30, ApplyImmediately=True)
    ask("ModifyDBInstance", DBInstanceIdentifier="nothing")
    ask.until(available, "DescribeDBInstances", **it)
    ask("RebootDBInstance", **it)
    ask("RebootDBInstance", DBInstanceIdentifier="nothing")
    ask.until(available, "DescribeDBInstances", **it)
    ask("StopDBInstance", **it)
    ask.until(lambda told: available(told, "stopped"), "DescribeDBInstances", **it)
    ask("StopDBInstance", **it)
    ask("StartDBInstance", **it)
    ask.until(available, "DescribeDBInstances", **it)
    ask("StartDBInstance", **it)


def snapshots(ask) -> None:  # noqa: ANN001
    def there(told: Answer) -> bool:
        found = told.get("DBSnapshots")
        return bool(found) and found[0]["Status"] == "available"

    one = {"DBSnapshotIdentifier": "one"}
    ask("CreateDBSnapshot", **one, DBInstanceIdentifier="conforms")
    ask.until(there, "DescribeDBSnapshots", **one)
    ask("CreateDBSnapshot", **one, DBInstanceIdentifier="conforms")
    ask("CreateDBSnapshot", DBSnapshotIdentifier="two", DBInstanceIdentifier="nothing")
    ask("CopyDBSnapshot", SourceDBSnapshotIdentifier="one", TargetDBSnapshotIdentifier="copy")
    ask("DescribeDBSnapshots", DBSnapshotIdentifier="nothing")
    ask("RestoreDBInstanceFromDBSnapshot", DBInstanceIdentifier="again", DBSnapshotIdentifier="one")
    ask("RestoreDBInstanceFromDBSnapshot", DBInstanceIdentifier="more", DBSnapshotIdentifier="nothing")
    ask.until(available, "DescribeDBInstances", DBInstanceIdentifier="again")
    for name in ("one", "copy", "nothing"):
        ask("DeleteDBSnapshot", DBSnapshotIdentifier=name)
