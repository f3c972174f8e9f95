//! One module per AWS service. Each owns its state and its errors.

pub mod apprunner;
pub mod bedrock;
pub mod cloudformation;
pub mod cloudfront;
pub mod cloudwatch;
pub mod codebuild;
pub mod dynamodb;
pub mod ecr;
pub mod iam;
pub mod logs;
pub mod rds;
pub mod s3;
pub mod secretsmanager;
pub mod sqs;
pub mod ssm;
pub mod sts;

/// Every operation there is, by the name that requests to its service are signed for.
pub const OPERATIONS: &[(&str, &[&str])] = &[
    ("apprunner", apprunner::OPERATIONS),
    ("bedrock", bedrock::OPERATIONS),
    ("cloudformation", cloudformation::OPERATIONS),
    ("cloudfront", cloudfront::OPERATIONS),
    ("cloudfront-keyvaluestore", cloudfront::DATA_OPERATIONS),
    ("codebuild", codebuild::OPERATIONS),
    ("dynamodb", dynamodb::OPERATIONS),
    ("ecr", ecr::OPERATIONS),
    ("iam", iam::OPERATIONS),
    ("logs", logs::OPERATIONS),
    ("monitoring", cloudwatch::OPERATIONS),
    ("rds", rds::OPERATIONS),
    ("s3", s3::OPERATIONS),
    ("secretsmanager", secretsmanager::OPERATIONS),
    ("sqs", sqs::OPERATIONS),
    ("ssm", ssm::OPERATIONS),
    ("sts", sts::OPERATIONS),
];
