//! Services that read paths themselves.

use std::sync::Arc;

use crate::sandbox::{
    access,
    auth::AuthError,
    call::{Caller, RawRequest, RawResponse, ServiceError},
    services::{bedrock, cloudfront},
    world::World,
};

use super::{refusal::refusal, strike::strike};

/// Services that read paths themselves and have their own shape of errors.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rest {
    CloudFront { control: bool },
    Bedrock,
}

impl Rest {
    pub fn of(service: &str) -> Option<Self> {
        match service {
            "cloudfront" => Some(Self::CloudFront { control: true }),
            "cloudfront-keyvaluestore" => Some(Self::CloudFront { control: false }),
            "bedrock" => Some(Self::Bedrock),
            _ => None,
        }
    }

    pub fn refuse(self, error: &AuthError) -> RawResponse {
        self.error(&refusal(error, matches!(self, Self::CloudFront { control: true })))
    }

    fn error(self, error: &ServiceError) -> RawResponse {
        match self {
            Self::CloudFront { control } => cloudfront::error(error, control),
            Self::Bedrock => bedrock::error(error),
        }
    }

    pub async fn answer(self, world: &Arc<World>, request: RawRequest, caller: &Caller) -> RawResponse {
        let (service, operation) = match self {
            Self::CloudFront { control: true } => ("cloudfront", cloudfront::operation(&request, true)),
            Self::CloudFront { control: false } => {
                ("cloudfront-keyvaluestore", cloudfront::operation(&request, false))
            }
            Self::Bedrock => ("bedrock", "Converse"),
        };
        let permitted = access::permit_rest(world, caller, service, operation, &request);
        let struck = strike(world, service, operation).await;
        if let Err(refused) = permitted.and(struck) {
            return self.error(&refused);
        }
        match self {
            Self::CloudFront { control } => cloudfront::http(world, control, request, caller).await,
            Self::Bedrock => bedrock::http(&request),
        }
    }
}
