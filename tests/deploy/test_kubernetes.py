"""The Kubernetes manifests against the API's schemas, and against each other: names, labels, ports, doors.

Nothing here needs a cluster, and nothing here has seen one.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

import endface
from endface_client._base_client import DEFAULT_SERVER
from tests.deploy.conftest import Object, OfKind, Render


@pytest.mark.parametrize("version", ["1.30", kubernetes_validate.latest_version()])
def test_kubernetes_knows_every_field(objects: list[Object], version: str, project: Path) -> None:
    """The API's own schemas, of an old and of the newest version, take every object; they refuse unknown fields."""
    monitor = json.loads((project / "tests" / "data" / "servicemonitor.schema.json").read_text(encoding="utf-8"))

    for each in objects:
        if each["kind"] == "ServiceMonitor":
            jsonschema.validate(each, monitor)
        else:
            kubernetes_validate.validate(each, version, strict=True)


def test_all_belong_to_one_namespace(render: Render, objects: list[Object], manifests: Path) -> None:
    """The kustomization puts every object into the namespace that it makes, which takes hardened pods only."""
    (namespace,) = [each for each in render("base") if each["kind"] == "Namespace"]
    name = yaml.safe_load((manifests / "base" / "kustomization.yaml").read_text(encoding="utf-8"))["namespace"]

    assert namespace["metadata"]["name"] == name
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {each["metadata"].get("namespace", name) for each in objects} == {name}


def test_every_file_of_the_base_is_applied(manifests: Path) -> None:
    """No manifest is forgotten in the list of resources."""
    for folder in (manifests / "base", manifests / "base" / "server"):
        listed = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]

        assert sorted(listed) == sorted(path.name for path in folder.iterdir() if path.name != "kustomization.yaml")


@pytest.mark.parametrize("overlay", ["overlays/cpu", "overlays/gpu", "overlays/tls", "overlays/canary"])
def test_images_are_this_version(overlay: str, render: Render, of_kind: OfKind) -> None:
    """An overlay applies one image, of the checkout's version."""
    pod = of_kind(render(overlay), "Deployment")["spec"]["template"]["spec"]
    name = "endface-gpu" if overlay.endswith("gpu") else "endface"

    images = {each["image"] for each in (*pod.get("initContainers", ()), *pod["containers"])}
    assert images == {f"{name}:{endface.__version__}"}


def test_deployment_owns_its_pods(deployment: Object) -> None:
    """Selector, pods and spreading name the same labels."""
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    (spread,) = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]

    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert spread["labelSelector"]["matchLabels"] == labels


def test_selectors_find_the_servers(objects: list[Object], deployment: Object, of_kind: OfKind) -> None:
    """Services, budget and policy mean the pods, the autoscaler means the Deployment."""
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    budget, policy = of_kind(objects, "PodDisruptionBudget")["spec"], of_kind(objects, "NetworkPolicy")["spec"]

    assert budget["selector"]["matchLabels"].items() <= labels
    assert policy["podSelector"]["matchLabels"].items() <= labels
    assert all(each["spec"]["selector"].items() <= labels for each in objects if each["kind"] == "Service")
    scaled = of_kind(objects, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (scaled["apiVersion"], scaled["kind"]) == (deployment["apiVersion"], deployment["kind"])
    assert scaled["name"] == deployment["metadata"]["name"]


def test_prometheus_finds_the_metrics(objects: list[Object], deployment: Object, of_kind: OfKind) -> None:
    """The monitor selects one Service, by its label and its port's name, and takes over a label that the pods have."""
    monitor = of_kind(objects, "ServiceMonitor")["spec"]
    wanted = monitor["selector"]["matchLabels"].items()
    (service,) = [
        each for each in objects if each["kind"] == "Service" and wanted <= each["metadata"]["labels"].items()
    ]

    assert [each["port"] for each in monitor["endpoints"]] == [each["name"] for each in service["spec"]["ports"]]
    assert set(monitor["podTargetLabels"]) <= deployment["spec"]["template"]["metadata"]["labels"].keys()


def test_ports_are_named_alike(objects: list[Object], container: Object) -> None:
    """A Service's port has the container's name and number; 8001 is what a client calls unless told otherwise."""
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    served = [port for each in objects if each["kind"] == "Service" for port in each["spec"]["ports"]]

    assert ports == {"grpc": int(DEFAULT_SERVER.rpartition(":")[2]), "metrics": 8002}
    for port in served:
        assert (port["targetPort"], port["port"]) == (port["name"], ports[port["name"]])


def test_clients_see_every_server(render: Render) -> None:
    """The name for gRPC resolves to the pods themselves: no address in between would keep a client's connection."""
    services = [each["spec"] for each in render("base") if each["kind"] == "Service"]
    (grpc,) = [each for each in services if any(port["name"] == "grpc" for port in each["ports"])]

    assert grpc["clusterIP"] == "None"


def test_network_has_two_doors(objects: list[Object], container: Object, of_kind: OfKind) -> None:
    """The line reaches gRPC, the monitoring the metrics; nobody reaches HTTP, and a server reaches nobody."""
    policy = of_kind(objects, "NetworkPolicy")["spec"]
    doors = [(rule["from"], [(port["protocol"], port["port"]) for port in rule["ports"]]) for rule in policy["ingress"]]

    def namespace(name: str) -> list[Object]:
        return [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}]

    assert doors == [(namespace("line"), [("TCP", 8001)]), (namespace("monitoring"), [("TCP", 8002)])]
    assert [each["containerPort"] for each in container["ports"]] == [8001, 8002]
    assert sorted(policy["policyTypes"]) == ["Egress", "Ingress"]
    assert "egress" not in policy


def test_maintenance_leaves_servers(objects: list[Object], of_kind: OfKind) -> None:
    """The budget lets fewer servers go than there are at least, and the number is the autoscaler's alone."""
    budget = of_kind(objects, "PodDisruptionBudget")["spec"]
    scaler = of_kind(objects, "HorizontalPodAutoscaler")["spec"]

    assert 1 <= budget["maxUnavailable"] < scaler["minReplicas"] <= scaler["maxReplicas"]
    assert "replicas" not in of_kind(objects, "Deployment")["spec"]


def test_canary_is_a_server_beside_the_others(render: Render, of_kind: OfKind) -> None:
    """Clients and Prometheus find it, the policy guards it; the others' Deployment and budget leave it alone."""
    stable, canary = render("overlays/cpu"), of_kind(render("overlays/canary"), "Deployment")
    labels = canary["spec"]["template"]["metadata"]["labels"].items()

    assert canary["spec"]["replicas"] == 1
    assert canary["metadata"]["name"] != of_kind(stable, "Deployment")["metadata"]["name"]
    assert all(each["spec"]["selector"].items() <= labels for each in stable if each["kind"] == "Service")
    assert of_kind(stable, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"].items() <= labels
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert not of_kind(stable, kind)["spec"]["selector"]["matchLabels"].items() <= labels


def test_canary_takes_the_lines_certificates(render: Render, of_kind: OfKind, manifests: Path, tmp_path: Path) -> None:
    """With a copy of the patch of the overlay tls among its own it reads what the others read."""
    copied = shutil.copytree(manifests, tmp_path / "k8s") / "overlays"
    shutil.copy(copied / "tls" / "tls.yaml", copied / "canary")
    kustomization = yaml.safe_load((copied / "canary" / "kustomization.yaml").read_text(encoding="utf-8"))
    kustomization["patches"].append({"path": "tls.yaml", "target": {"kind": "Deployment", "name": "endface"}})
    (copied / "canary" / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    rendered = (render(folder) for folder in (str(copied / "canary"), "overlays/tls"))
    canary, stable = (of_kind(each, "Deployment")["spec"]["template"]["spec"] for each in rendered)

    assert canary == stable | {"topologySpreadConstraints": canary["topologySpreadConstraints"]}
