//! One module per AWS service. Each owns its state and its errors.

pub mod apprunner;
pub mod bedrock;
pub mod cloudformation;
pub mod cloudfront;
pub mod cloudwatch;
pub mod codebuild;
pub mod dynamodb;
pub mod ecr;
pub mod logs;
pub mod s3;
pub mod sqs;
pub mod sts;
