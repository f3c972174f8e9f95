"""What App Runner has beside its services: configurations that they share, and names of one's own."""

from typing import Any

from witness import Witness


def shared(w: Witness, client: Any) -> None:
    """Configurations in revisions, and what may not be deleted."""
    name = "AutoScalingConfigurationName"
    (usual,) = client.list_auto_scaling_configurations()["AutoScalingConfigurationSummaryList"]
    w.holds(f"there is one from the beginning: {usual}", usual[name] == "DefaultConfiguration" and usual["IsDefault"])
    refused = usual["AutoScalingConfigurationArn"]
    w.refused("InvalidRequestException", client.delete_auto_scaling_configuration, AutoScalingConfigurationArn=refused)
    made = [client.create_auto_scaling_configuration(**{name: "bounds"}, MaxSize=n) for n in (2, 3, 4)]
    arns = [one["AutoScalingConfiguration"]["AutoScalingConfigurationArn"] for one in made]
    part = arns[0].rsplit("/", 2)[0]
    described = client.describe_auto_scaling_configuration(AutoScalingConfigurationArn=part)
    w.holds("a partial ARN is the latest", described["AutoScalingConfiguration"]["MaxSize"] == 4)
    gone = client.delete_auto_scaling_configuration(AutoScalingConfigurationArn=arns[2])["AutoScalingConfiguration"]
    w.holds("what is deleted is inactive", gone["Status"] == "INACTIVE" and not gone["Latest"])
    listed = client.list_auto_scaling_configurations(**{name: "bounds"}, LatestOnly=True)
    latest = listed["AutoScalingConfigurationSummaryList"][0]["AutoScalingConfigurationRevision"]
    w.holds("the one before is the latest then", latest == 2)
    client.update_default_auto_scaling_configuration(AutoScalingConfigurationArn=arns[1])
    w.refused("InvalidRequestException", client.delete_auto_scaling_configuration, AutoScalingConfigurationArn=arns[1])
    for _ in range(3):
        client.create_auto_scaling_configuration(**{name: "bounds"})
    w.refused("ServiceQuotaExceededException", client.create_auto_scaling_configuration, **{name: "bounds"})
    page = client.list_auto_scaling_configurations(MaxResults=2)
    rest = client.list_auto_scaling_configurations(MaxResults=100, NextToken=page["NextToken"])
    w.holds("pages hold all", len(rest["AutoScalingConfigurationSummaryList"]) == 4)
    watched = client.create_observability_configuration(
        ObservabilityConfigurationName="traces", TraceConfiguration={"Vendor": "AWSXRAY"}, Tags=[{"Key": "a", "Value": "b"}]
    )["ObservabilityConfiguration"]["ObservabilityConfigurationArn"]
    w.holds("it has its tag", len(client.list_tags_for_resource(ResourceArn=watched)["Tags"]) == 1)
    client.describe_observability_configuration(ObservabilityConfigurationArn=watched)
    client.list_observability_configurations()
    client.delete_observability_configuration(ObservabilityConfigurationArn=watched)
    w.refused(
        "ResourceNotFoundException", client.delete_observability_configuration, ObservabilityConfigurationArn=watched
    )
    w.refused("InvalidRequestException", client.create_vpc_connector, VpcConnectorName="inside", Subnets=["x"])
    inside = client.create_vpc_connector(VpcConnectorName="inside", Subnets=["subnet-1"])["VpcConnector"]
    client.describe_vpc_connector(VpcConnectorArn=inside["VpcConnectorArn"])
    w.holds("a connector is listed", len(client.list_vpc_connectors()["VpcConnectors"]) == 1)
    client.delete_vpc_connector(VpcConnectorArn=inside["VpcConnectorArn"])


def domains(w: Witness, client: Any, arn: str) -> None:
    """Names of one's own."""
    client.associate_custom_domain(ServiceArn=arn, DomainName="shop.example.com")
    w.refused("InvalidRequestException", client.associate_custom_domain, ServiceArn=arn, DomainName="shop.example.com")
    (domain,) = client.describe_custom_domains(ServiceArn=arn)["CustomDomains"]
    w.holds("it waits for its proof", domain["Status"] == "PENDING_CERTIFICATE_DNS_VALIDATION")
    client.disassociate_custom_domain(ServiceArn=arn, DomainName="shop.example.com")
    w.refused("ResourceNotFoundException", client.disassociate_custom_domain, ServiceArn=arn, DomainName="x.example.com")
