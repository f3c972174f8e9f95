"""Every difference between the sandbox and moto, and who is right by AWS's documentation.

In a pattern, `*` is any text and everything else is itself. A difference that no row is of fails the test, and so does a row
that no difference is of. Where both or neither may be right the documentation does not say.
"""

from typing import NamedTuple

SANDBOX, MOTO, UNSAID = "sandbox", "moto", "unsaid"
MISSING = "(missing)"


class Row(NamedTuple):
    """A difference that is known: patterns of what it is, who is right, and why."""

    service: str
    operation: str
    path: str
    ours: str
    theirs: str
    right: str
    why: str


def lax(service: str, operation: str, code: str, why: str, asked: str = "*") -> Row:
    """What moto takes and AWS refuses."""
    return Row(service, operation, f"(refused) {asked}", code, "answered", SANDBOX, f"API reference, {operation}: {why}")


def left_out(service: str, operation: str, path: str, ours: str, why: str) -> Row:
    """A member that moto does not tell."""
    return Row(service, operation, path, ours, MISSING, SANDBOX, why)


EXPLAINED: list[Row] = [
    # Of all services.
    Row("*", "*", "(moto fails)", "", "", SANDBOX, "moto does not have the operation, or ends in an exception of Python: there is nothing to compare"),
    Row("*", "*", "Error.QueryErrorCode", "*", "*", SANDBOX, "the name of the error's shape in the model of the service; moto tells the code of the header there"),
    # CloudFormation.
    left_out("cloudformation", "GetTemplateSummary", "Version", "2010-09-09", "API reference: the template's AWSTemplateFormatVersion; there is one version only"),
    left_out("cloudformation", "DescribeChangeSet", "*", "*", "API reference, DescribeChangeSet: moto tells the members of a first change set only in part"),
    Row("cloudformation", "DescribeChangeSet", "Parameters", "*", "[]", SANDBOX, "API reference: the parameters' values, also those by default"),
    Row("cloudformation", "DescribeChangeSet", "Tags", "*", "[]", SANDBOX, "API reference: the tags that will be set"),
    Row("cloudformation", "DescribeChangeSet", "(status)", "404", "400", SANDBOX, "the model: ChangeSetNotFound has status 404"),
    Row("cloudformation", "DescribeChangeSet", "Error.Code *", "ChangeSetNotFound", "ValidationError", SANDBOX, "API reference, DescribeChangeSet, errors"),
    Row("cloudformation", "DescribeChangeSet", "Changes[].ResourceChange.Action", "Modify", "Add", SANDBOX, "user guide, change sets: a resource that is there is modified"),
    left_out("cloudformation", "ListChangeSets", "Summaries[].IncludeNestedStacks", "False", "API reference, ChangeSetSummary"),
    left_out("cloudformation", "DescribeStacks", "Stacks[].*", "*", "API reference, Stack: moto leaves out what a change set gave the stack, and drift"),
    Row("cloudformation", "DescribeStacks", "Stacks[].StackStatus", "CREATE_COMPLETE", "CREATE_IN_PROGRESS", SANDBOX, "moto's import of an export is refused, and that stack never settles"),
    Row("cloudformation", "ListExports", "Exports*", "*", "*", SANDBOX, "moto exports nothing of a stack that a change set made"),
    left_out("cloudformation", "GetTemplate", "StagesAvailable", "*", "API reference, GetTemplate"),
    Row("cloudformation", "DescribeStackEvents", "StackEvents*", "*", "*", UNSAID, "moto makes all at once and tells fewer events"),
    left_out("cloudformation", "*", "*DriftInformation*", "*", "API reference: StackDriftInformation is told of each; moto knows no drift"),
    left_out("cloudformation", "DescribeStackResource", "StackResourceDetail.LastUpdatedTimestamp", "<time>", "API reference: it is required"),
    Row("cloudformation", "*", "*PhysicalResourceId", "http://<host>/*", "https://sqs.us-east-1.amazonaws.com/*", UNSAID, "a queue's URL has the host that answers for it"),
    Row("cloudformation", "ListStackResources", "*ResourceStatus", "UPDATE_COMPLETE", "CREATE_COMPLETE", SANDBOX, "the queue was updated"),
    Row("cloudformation", "ListStacks", "StackSummaries*", "*", "*", SANDBOX, "moto made stacks that CloudFormation refuses, and so lists more"),
    lax("cloudformation", "ValidateTemplate", "ValidationError", "a template needs a resource"),
    lax("cloudformation", "CreateStack", "ValidationError", "a name begins with a letter; a template needs a resource"),
    lax("cloudformation", "UpdateStack", "ValidationError", "No updates are to be performed"),
    lax("cloudformation", "DescribeStacks", "ValidationError", "a stack that is deleted is told by its id only"),
    Row("cloudformation", "ValidateTemplate", "(refused) *", "answered", "ValidationError", SANDBOX, "user guide: a template in JSON is one; moto's linter refuses the physical name or the number"),
    Row("cloudformation", "CreateStack", "(refused) *ImportValue*", "answered", "ValidationError", SANDBOX, "user guide, Fn::ImportValue: the export is there"),
    # CloudWatch.
    lax("cloudwatch", "PutDashboard", "InvalidParameterInput", "a body has widgets; a name has letters, digits, - and _"),
    lax("cloudwatch", "PutMetricData", "InvalidParameterValue", "no namespace begins with AWS/; data are not older than two weeks"),
    lax("cloudwatch", "PutMetricData", "MissingParameter", "a datum has a value, values or statistics"),
    lax("cloudwatch", "GetMetricStatistics", "InvalidParameterValue", "a period is a multiple of 60"),
    lax("cloudwatch", "DeleteAlarms", "ResourceNotFound", "errors"),
    lax("cloudwatch", "ListTagsForResource", "ResourceNotFoundException", "errors"),
    lax("cloudwatch", "GetMetricData", "ValidationError", "an expression is one, ids are unique, there is a query"),
    lax("cloudwatch", "PutMetricAlarm", "ValidationError", "a period is 10, 20, 30 or a multiple of 60; a statistic is one of five"),
    Row("cloudwatch", "PutMetricData", "Error.Code *", "InvalidParameterCombination", "InvalidParameterValue", SANDBOX, "API reference: parameters that must not be used together"),
    left_out("cloudwatch", "GetMetricStatistics", "Datapoints[].ExtendedStatistics", "*", "API reference: percentiles are told; within one per cent here"),
    Row("cloudwatch", "GetMetricStatistics", "Error.Code *", "MissingParameter", "InvalidParameterCombination", UNSAID, "either Statistics or ExtendedStatistics is needed; both codes are listed"),
    Row("cloudwatch", "GetMetricStatistics", "Error.Code *", "InvalidParameterCombination", "InvalidParameterValue", UNSAID, "the end is after the start; both codes are listed"),
    left_out("cloudwatch", "GetMetricData", "Messages", "[]", "the model; an empty list and none are the same to a client"),
    Row("cloudwatch", "GetMetricData", "MetricDataResults[].Label", "*", "* Sum", UNSAID, "what a label is by default is not told"),
    Row("cloudwatch", "GetMetricData", "MetricDataResults[].Timestamps", "*", "[]", SANDBOX, "moto knows no mathematics of metrics"),
    Row("cloudwatch", "GetMetricData", "MetricDataResults[].Values", "*", "[]", SANDBOX, "moto knows no mathematics of metrics"),
    Row("cloudwatch", "*", "MetricAlarms[].Metrics", MISSING, "[]", SANDBOX, "API reference, MetricAlarm: told of an alarm on mathematics"),
    Row("cloudwatch", "*", "MetricAlarms[].StateReasonData", MISSING, "{}", SANDBOX, "API reference: none was given"),
    left_out("cloudwatch", "*", "MetricAlarms[].StateTransitionedTimestamp", "<time>", "API reference, MetricAlarm"),
    Row("cloudwatch", "*", "MetricAlarms[].StateValue", "INSUFFICIENT_DATA", "OK", SANDBOX, "API reference, PutMetricAlarm: its state is set to INSUFFICIENT_DATA"),
    Row("cloudwatch", "DescribeAlarms", "CompositeAlarms*", "*", "*", SANDBOX, "API reference: AlarmTypes chooses; moto tells none then"),
    Row("cloudwatch", "DescribeAlarms", "MetricAlarms", "[]", "*", SANDBOX, "API reference: AlarmTypes chooses; moto does not look at it"),
    # CodeBuild.
    lax("codebuild", "CreateProject", "InvalidInputException", "a name has letters, digits, - and _"),
    Row("codebuild", "BatchGetBuilds", "(refused) *", "answered", "InvalidInputException", UNSAID, "an id that no build can have is in buildsNotFound, or refused"),
    left_out("codebuild", "*", "project*.lastModified", "<time>", "API reference, Project"),
    Row("codebuild", "*", "project*imeoutInMinutes", "*", "0", SANDBOX, "API reference, CreateProject: 60 and 480 minutes where none is given"),
    left_out("codebuild", "BatchGetProjects", "projects[].description", "builds the app", "moto does not have UpdateProject"),
    left_out("codebuild", "BatchGetProjects", "projectsNotFound", "*", "API reference, BatchGetProjects"),
    left_out("codebuild", "BatchGetBuilds", "buildsNotFound", "*", "API reference, BatchGetBuilds"),
    Row("codebuild", "*", "build.*", "*", "*", SANDBOX, "moto builds nothing and tells of a build that is the same for every project"),
    Row("codebuild", "*", "builds[].*", "*", "*", SANDBOX, "moto builds nothing and tells of a build that is the same for every project"),
    # DynamoDB.
    Row("dynamodb", "*", "*SecondaryIndexes", MISSING, "[]", SANDBOX, "API reference, TableDescription: told where there are indexes"),
    left_out("dynamodb", "*", "*.TableId", "<uuid>", "API reference, TableDescription"),
    Row("dynamodb", "*", "*.WarmThroughput", MISSING, "*", MOTO, "API reference, TableDescription; nothing is throttled here, and nothing warm"),
    Row("dynamodb", "DeleteTable", "TableDescription.TableStatus", "DELETING", "ACTIVE", SANDBOX, "API reference, DeleteTable"),
    Row("dynamodb", "DeleteTable", "TableDescription.TableSizeBytes", "*", "0", UNSAID, "sizes are told some hours late"),
    lax("dynamodb", "CreateTable", "ValidationException", "a name has three letters at least"),
    lax("dynamodb", "ListTables", "ValidationException", "Limit is 1 at least"),
    lax("dynamodb", "PutItem", "ValidationException", "a set has no value twice", '*"SS": ["a", "a"]*'),
    Row("dynamodb", "PutItem", "Error.Code *ReturnValuesOnConditionCheckFailure*", "ValidationException", "ConditionalCheckFailedException", MOTO, "the sandbox does not have this member, and says so"),
    Row("dynamodb", "PutItem", "Item", MISSING, "*", MOTO, "the sandbox does not have ReturnValuesOnConditionCheckFailure, and says so"),
    Row("dynamodb", "PutItem", "Attributes.*", "*", "*", SANDBOX, "moto kept the item whose set has a value twice"),
    Row("dynamodb", "*", "*.n.N", "*.5", "*.50", SANDBOX, "developer guide, data types: zeroes at the end of a number are trimmed"),
    Row("dynamodb", "UpdateItem", "ConsumedCapacity", MISSING, "*", SANDBOX, "API reference: told where ReturnConsumedCapacity asks for it"),
    Row("dynamodb", "GetItem", "(refused) *ProjectionExpression*", "ValidationException", "answered", MOTO, "the sandbox does not have this member, and says so"),
    Row("dynamodb", "Query", "(refused) *FilterExpression*", "ValidationException", "answered", MOTO, "the sandbox does not have this member, and says so"),
    lax("dynamodb", "Query", "ValidationException", "a key condition's value is of the key's type", '*":pk": {"N": "1"}*'),
    # ECR.
    Row("ecr", "*", "*repositoryUri", "<host>/*", "*.dkr.ecr.us-east-1.amazonaws.com/*", UNSAID, "a registry's address is where it answers"),
    Row("ecr", "GetAuthorizationToken", "authorizationData[].proxyEndpoint", "http://<host>", "https://*", UNSAID, "a registry's address is where it answers"),
    left_out("ecr", "BatchGetImage", "failures[].imageId.imageDigest", "*", "API reference, ImageFailure: the image id that was asked for"),
    Row("ecr", "BatchGetImage", "failures[].imageId.imageTag", MISSING, "null", SANDBOX, "no tag was asked for"),
    left_out("ecr", "*", "*imageTagMutabilityExclusionFilters", "[]", "API reference, Repository; an empty list and none are the same to a client"),
    *(Row("ecr", "BatchCheckLayerAvailability", member, "*", "*", SANDBOX, "API reference, Layer: one that is not there is UNAVAILABLE")
      for member in ("failures", "layers")),
    # IAM.
    Row("iam", "*", "Error.message", MISSING, "*", SANDBOX, "API reference, common errors: an error has a Message; moto writes a message beside it"),
    lax("iam", "CreateRole", "ValidationError", "a name has no space; a session lasts twelve hours at most"),
    lax("iam", "CreateRole", "MalformedPolicyDocument", "a trust policy is one"),
    Row("iam", "*", "Role.RoleLastUsed", MISSING, "{}", UNSAID, "API reference, Role: when it was used last, which nobody did"),
    Row("iam", "ListRoles", "Roles[].AssumeRolePolicyDocument", "%7B*", "{*", SANDBOX, "API reference, Role: URL-encoded (RFC 3986)"),
    Row("iam", "CreateServiceLinkedRole", "Role.AssumeRolePolicyDocument", "%7B*", "{*", SANDBOX, "API reference, Role: URL-encoded (RFC 3986)"),
    *(Row("iam", "CreateServiceLinkedRole", path, "*AWSServiceRoleForAppRunner", "*AWSServiceRoleForapprunner", SANDBOX, "App Runner developer guide, service-linked roles")
      for path in ("Role.Arn", "Role.RoleName")),
    Row("iam", "*", "*.Tags", MISSING, "[]", UNSAID, "an empty list and none are the same to a client"),
    left_out("iam", "*", "*PermissionsBoundaryUsageCount", "0", "API reference, Policy"),
    Row("iam", "*", "*PolicyId", "ANPA<id>", "*", SANDBOX, "IAM user guide, IAM identifiers: a managed policy's id begins with ANPA"),
    Row("iam", "CreatePolicyVersion", "PolicyVersion.Document", MISSING, "{*", SANDBOX, "API reference, PolicyVersion: not told by CreatePolicyVersion"),
    Row("iam", "ListPolicyVersions", "Versions[].Document", MISSING, "{*", SANDBOX, "API reference, PolicyVersion: not told by ListPolicyVersions"),
    left_out("iam", "ListPolicyVersions", "IsTruncated", "False", "API reference, ListPolicyVersions"),
    Row("iam", "GetPolicyVersion", "PolicyVersion.Document", "%7B*", "{*", SANDBOX, "API reference, PolicyVersion: URL-encoded (RFC 3986)"),
    left_out("iam", "CreateOpenIDConnectProvider", "Tags", "*", "API reference, CreateOpenIDConnectProvider"),
    # Logs.
    lax("logs", "CreateLogGroup", "InvalidParameterException", "a name has no space"),
    lax("logs", "DescribeLogGroups", "InvalidParameterException", "a prefix and a pattern are mutually exclusive"),
    lax("logs", "PutRetentionPolicy", "InvalidParameterException", "retentionInDays is one of a list"),
    lax("logs", "CreateLogStream", "InvalidParameterException", "a name has no colon"),
    lax("logs", "PutLogEvents", "InvalidParameterException", "there is an event at least"),
    lax("logs", "FilterLogEvents", "InvalidParameterException", "a pattern is one"),
    lax("logs", "PutMetricFilter", "InvalidParameterException", "a pattern is one"),
    *(lax("logs", operation, "ResourceNotFoundException", "errors") for operation in (
        "TagResource", "UntagResource", "ListTagsForResource", "PutMetricFilter", "DescribeMetricFilters", "DeleteMetricFilter",
    )),
    left_out("logs", "DescribeLogGroups", "logGroups[].logGroupClass", "STANDARD", "API reference, LogGroup: every group has a class"),
    Row("logs", "DescribeLogGroups", "logGroups", "*", "*", SANDBOX, "API reference: logGroupNamePattern is of any case; a group of CloudFormation's drive is left on moto"),
    Row("logs", "PutLogEvents", "rejectedLogEventsInfo.tooOldLogEventEndIndex", "1", "0", SANDBOX, "API reference, RejectedLogEventsInfo: the end index is that after the last one"),
    Row("logs", "GetLogEvents", "events", "*", "*", SANDBOX, "API reference: endTime itself is not included"),
    Row("logs", "FilterLogEvents", "searchedLogStreams", "[]", "*", SANDBOX, "API reference: this parameter is deprecated and an empty list"),
    Row("logs", "FilterLogEvents", "events*", "*", "*", SANDBOX, "user guide, filter and pattern syntax: moto looks for texts only"),
    Row("logs", "DescribeLogStreams", "logStreams[].storedBytes", "0", "*", SANDBOX, "API reference, LogStream: always zero since June 2019"),
    Row("logs", "DescribeLogStreams", "logStreams[].uploadSequenceToken", MISSING, "<opaque>", SANDBOX, "API reference, PutLogEvents: tokens are ignored since January 2023"),
    left_out("logs", "DescribeMetricFilters", "metricFilters[].creationTime", "<milliseconds>", "API reference, MetricFilter"),
    Row("logs", "DescribeMetricFilters", "metricFilters", "*", "*", SANDBOX, "moto kept the filter with a pattern that is none, and one of a group that is not there"),
    # RDS. moto makes in no time what it runs not, of the first version that it knows, in subnets and groups of its EC2.
    left_out("rds", "*", "DB*", "*", "API reference, DBInstance, DBSnapshot, DBSubnetGroup: moto leaves out what came in the last years"),
    left_out("rds", "DescribeDBParameters", "Parameters[].*", "*", "API reference, Parameter"),
    lax("rds", "CreateDBSubnetGroup", "DBSubnetGroupAlreadyExists", "errors"),
    lax("rds", "DescribeDBParameterGroups", "DBParameterGroupNotFound", "errors"),
    lax("rds", "CreateDBInstance", "InvalidParameterValue", "a password has eight characters at least"),
    *(Row("rds", "*", f"DB*{member}", "*", "*", UNSAID, "the sandbox has no networks: it keeps the ids that it is given, and tells nothing of what they name")
      for member in ("SubnetIdentifier", "SubnetAvailabilityZone", "VpcId", "VpcSecurityGroups")),
    *(Row("rds", "*", f"DB*{member}", "*", "*", UNSAID, "the version that this machine has, at an address of its own")
      for member in ("EngineVersion", "LicenseModel", "OptionGroupName", "DBParameterGroupName", "Port", "Address", "CACertificateIdentifier")),
    *(Row("rds", "*", f"DB*{member}", MISSING, "[]", UNSAID, "an empty list and none are the same to a client")
      for member in ("AssociatedRoles", "DomainMemberships", "EnabledCloudwatchLogsExports")),
    *(Row("rds", "*", f"DB*{member}", "*", "*", SANDBOX, "user guide, DB instance status: making, changing and removing take their time")
      for member in ("Status", "Endpoint", "CreateTime", "AllocatedStorage")),
    *(Row("rds", "*", f"DB*{member}", "*", "*", UNSAID, "chosen at random, or from a window of the region")
      for member in ("DbiResourceId", "PreferredBackupWindow", "PreferredMaintenanceWindow")),
    Row("rds", "*", "DB*LatestRestorableTime", MISSING, "<time>", MOTO, "API reference, DBInstance; the sandbox does not restore to a point in time"),
    Row("rds", "*", "DB*StorageType", "gp3", "gp2", SANDBOX, "user guide, storage: gp3 is the default"),
    Row("rds", "*", "DBInstance*.DBSubnetGroup", MISSING, "*", UNSAID, "API reference, RestoreDBInstanceFromDBSnapshot: none was named"),
    Row("rds", "DescribeOrderableDBInstanceOptions", "OrderableDBInstanceOptions", "*", "*", UNSAID, "what may be ordered depends on the versions that this machine has"),
    Row("rds", "DescribeEvents", "Events", "*", "*", SANDBOX, "user guide, event notification: each has its categories; moto tells of fewer"),
    # S3.
    lax("s3", "CreateBucket", "InvalidBucketName", "user guide, bucket naming rules"),
    lax("s3", "PutObject", "BadDigest", "Content-MD5 is held against the body"),
    lax("s3", "PutObject", "KeyTooLongError", "a key has 1,024 bytes at most"),
    Row("s3", "CompleteMultipartUpload", "Error.Code *", "InvalidPartOrder", "EntityTooSmall", SANDBOX, "API reference, errors: parts in another order than their numbers'"),
    Row("s3", "CompleteMultipartUpload", "Location", "/store/big", "http://store.s3.amazonaws.com/big", UNSAID, "API reference: the object's URI, whose host is where it is answered"),
    *(Row("s3", "*", f"*{who}.{member}", "*", "*", SANDBOX, "API reference, Owner: the account's canonical id, of which moto has one for all; no name since November 2025")
      for who in ("Owner", "Initiator") for member in ("DisplayName", "ID")),
    Row("s3", "*", "*Checksum*", MISSING, "*", SANDBOX, "API reference: a checksum is told where ChecksumMode asks for it"),
    left_out("s3", "*", "*Checksum*", "*", "user guide, checking object integrity: S3 has a checksum of every object"),
    left_out("s3", "*", "ServerSideEncryption", "AES256", "user guide: every new object is encrypted since January 2023"),
    left_out("s3", "ListBuckets", "Buckets[].BucketRegion", "us-east-1", "API reference, Bucket"),
    Row("s3", "*", "*VersionId", "*", "*", SANDBOX, "user guide, versioning: where it is suspended the version is null; an id is opaque"),
    left_out("s3", "*", "*DeleteMarker", "True", "user guide, versioning: where it is suspended a removal leaves a marker"),
    Row("s3", "DeleteObjects", "Deleted", MISSING, "*", SANDBOX, "API reference: quiet mode tells errors only"),
    Row("s3", "DeleteBucket", "(refused) *", "BucketNotEmpty", "answered", SANDBOX, "user guide: a bucket with delete markers is not empty"),
    Row("s3", "DeleteBucket", "(status)", "409", "404", SANDBOX, "moto removed the bucket that has delete markers"),
    Row("s3", "DeleteBucket", "Error.Code *", "BucketNotEmpty", "NoSuchBucket", SANDBOX, "moto removed the bucket that has delete markers"),
    *(Row("s3", operation, "(refused) *", "answered", code, SANDBOX, "user guide: new buckets block public access, encrypt and have one owner since April 2023")
      for operation, code in (("GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
                              ("GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError"),
                              ("GetBucketOwnershipControls", "OwnershipControlsNotFoundError"))),
    Row("s3", "PutBucketTagging", "(status)", "200", "204", UNSAID, "API reference: the syntax says 200, the example 204"),
    Row("s3", "PutBucketPolicy", "(status)", "204", "200", UNSAID, "API reference: the syntax says 200, the example 204"),
    Row("s3", "GetBucketLifecycleConfiguration", "TransitionDefaultMinimumObjectSize", MISSING, "all_storage_classes_128K", MOTO, "API reference; the sandbox moves nothing to another class"),
    lax("s3", "PutBucketPolicy", "MalformedPolicy", "a policy is one"),
    Row("s3", "GetBucketPolicy", "Policy", "{*", "no policy", SANDBOX, "moto kept the policy that is none"),
    Row("s3", "GetBucketPolicyStatus", "PolicyStatus.IsPublic", "True", "False", SANDBOX, "moto kept the policy that is none"),
    Row("s3", "GetObjectAttributes", "ETag", '"*"', "*", MOTO, "API reference: without quotes here; the library writes them"),
    lax("s3", "PutObject", "InvalidTag", "no two tags have the same key"),
    *(left_out("s3", operation, member, "", "API reference: what was asked for is told again") for operation, member in (
        ("ListObjects", "Marker"), ("ListObjects", "Prefix"), ("ListMultipartUploads", "Prefix"))),
    *(Row("s3", "ListObjects", member, "*", "*", SANDBOX, "API reference: common prefixes count to a page, too")
      for member in ("Contents", "IsTruncated", "NextMarker")),
    left_out("s3", "ListObjectVersions", "EncodingType", "url", "API reference: the client asks for it, and is told so"),
    lax("s3", "UploadPartCopy", "InvalidArgument", "a range is one of the source"),
    *(Row("s3", "ListParts", member, "*", "*", SANDBOX, "moto kept the part of a range that is none") for member in ("NextPartNumberMarker", "Parts")),
    Row("s3", "GetObject", "(status)", "405", "404", SANDBOX, "user guide: a delete marker that is named is not read, and says 405"),
    Row("s3", "GetObject", "Error.Code *", "MethodNotAllowed", "NoSuchVersion", SANDBOX, "user guide: a delete marker that is named is not read, and says 405"),
    Row("s3", "*", "(request id)", "True", "False", SANDBOX, "user guide, common response headers: every answer has ids"),
    *(Row("s3", "*", f"Error.{detail}", MISSING, "*", MOTO, "user guide, error responses: some tell more of their matter; s3s writes a code and a message")
      for detail in ("BucketName", "Key", "Condition", "UploadId", "RangeRequested", "ActualObjectSize", "ArgumentName", "ArgumentValue")),
    Row("s3", "ListObjectsV2", "ContinuationToken", "<opaque>", MISSING, SANDBOX, "API reference: told again in the answer"),
    # Secrets Manager.
    lax("secretsmanager", "CreateSecret", "ValidationException", "a name has no space"),
    lax("secretsmanager", "CreateSecret", "InvalidParameterException", "a secret is a text or bytes, not both"),
    Row("secretsmanager", "*", "(status)", "400", "404", SANDBOX, "API reference: ResourceNotFoundException has status 400"),
    Row("secretsmanager", "ListSecretVersionIds", "ARN", "arn:*", "app/key", SANDBOX, "API reference: the ARN, also where the name was asked for"),
    Row("secretsmanager", "ListSecretVersionIds", "NextToken", MISSING, "", SANDBOX, "API reference: told where there is more"),
    left_out("secretsmanager", "ListSecretVersionIds", "Versions[].KmsKeyIds", "*", "API reference, SecretVersionsListEntry"),
    Row("secretsmanager", "ListSecretVersionIds", "Versions[].LastAccessedDate", MISSING, "<time>", MOTO, "API reference, SecretVersionsListEntry; the sandbox keeps the day of the whole secret only"),
    Row("secretsmanager", "ListSecretVersionIds", "Versions[].VersionStages*", "*", "*", SANDBOX, "API reference, UpdateSecretVersionStage: AWSPREVIOUS moves to where AWSCURRENT was"),
    *(Row("secretsmanager", "GetSecretValue", path, "*", "*", SANDBOX, "API reference, UpdateSecretVersionStage: moto does not move the current value")
      for path in ("SecretString", "VersionId", "VersionStages[]")),
    Row("secretsmanager", "*", "*LastAccessedDate", "<time>", MISSING, SANDBOX, "API reference, DescribeSecret: it was read today"),
    Row("secretsmanager", "DescribeSecret", "VersionIdsToStages.*", "*", "*", SANDBOX, "API reference, UpdateSecretVersionStage: AWSPREVIOUS moves to where AWSCURRENT was"),
    Row("secretsmanager", "ListSecrets", "SecretList[].SecretVersionsToStages.*", "*", "*", SANDBOX, "API reference, UpdateSecretVersionStage: AWSPREVIOUS moves to where AWSCURRENT was"),
    Row("secretsmanager", "GetRandomPassword", "Error.Code *4097*", "ValidationException", "InvalidParameterValue", SANDBOX, "common errors: the model's limits are held first"),
    # SQS.
    *(lax("sqs", operation, code, "attributes have names and bounds") for operation in ("CreateQueue", "SetQueueAttributes")
      for code in ("InvalidAttributeName", "InvalidAttributeValue")),
    lax("sqs", "SendMessage", "MissingParameter", "a message has a character at least"),
    lax("sqs", "SendMessage", "InvalidMessageContents", "a message has characters that XML has"),
    Row("sqs", "GetQueueAttributes", "Attributes.*Timestamp", "<seconds>", "*.*", SANDBOX, "API reference: epoch time in seconds"),
    Row("sqs", "GetQueueAttributes", "Attributes.SqsManagedSseEnabled", MISSING, "true", MOTO, "API reference: on for new queues; the sandbox encrypts nothing and does not say that it does"),
    Row("sqs", "DeleteMessageBatch", "Failed[].Message", "*", "*", UNSAID, "words for people"),
    Row("sqs", "ListQueues", "QueueUrls", "*", "*", SANDBOX, "the queue of CloudFormation's drive is left on moto"),
    # Systems Manager.
    lax("ssm", "PutParameter", "ParameterPatternMismatchException", "AllowedPattern is held to"),
    lax("ssm", "PutParameter", "ValidationException", "a name has no space; a standard parameter has 4 KB at most"),
    lax("ssm", "GetParametersByPath", "ValidationException", "a path begins with a slash"),
    lax("ssm", "GetParameterHistory", "ParameterNotFound", "errors"),
    left_out("ssm", "GetParameter", "Parameter.Selector", ":*", "API reference, Parameter: the version or the label that was asked for"),
    Row("ssm", "GetParametersByPath", "Parameters", "*", "*", SANDBOX, "moto keeps the parameter that is too long"),
    Row("ssm", "GetParameter", "Error.Code *", "ParameterVersionNotFound", "ParameterNotFound", SANDBOX, "API reference, GetParameter: the parameter is there, the selector is not"),
    Row("ssm", "GetParameterHistory", "Parameters[].LastModifiedUser", "arn:*", "N/A", SANDBOX, "API reference: the ARN of the user"),
    left_out("ssm", "GetParameterHistory", "Parameters[].Policies", "[]", "API reference, ParameterHistory"),
    # STS.
    Row("sts", "GetCallerIdentity", "Arn", "arn:aws:iam::*:user/sandbox", "arn:aws:sts::*:user/moto", SANDBOX, "IAM user guide: a user's ARN is IAM's"),
    Row("sts", "GetCallerIdentity", "UserId", "AIDA<id>", "AKIA<id>", SANDBOX, "IAM user guide, IAM identifiers: a user's id begins with AIDA"),
    Row("sts", "AssumeRole", "PackedPolicySize", MISSING, "6", SANDBOX, "API reference: of session policies and tags, and none were sent"),
    lax("sts", "AssumeRole", "ValidationError", "bounds of its parameters"),
]
