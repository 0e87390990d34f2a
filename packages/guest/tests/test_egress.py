import ipaddress
import re

import egress


def refused():
    elements = re.search(r"set refused \{.*?elements = \{(.*?)\}", egress.RULES, re.DOTALL)
    assert elements is not None
    return [ipaddress.ip_network(text.strip()) for text in elements.group(1).split(",")]


def test_the_rules_name_the_port_and_the_address_that_the_agent_has():
    assert f"tproxy ip to 127.0.0.1:{egress.PORT} accept" in egress.RULES
    assert egress.RULES.count(egress.OWN) == 2
    assert egress.RULES.count("{") == egress.RULES.count("}")


def test_addresses_that_are_not_public_are_refused():
    for text in ("10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.100.0.1", "0.0.0.0", "255.0.0.1"):
        assert any(ipaddress.ip_address(text) in network for network in refused()), text


def test_public_addresses_and_those_of_names_are_not():
    for text in ("1.1.1.1", "172.32.0.1", "192.169.0.1", "198.18.0.1", "198.19.0.2"):
        assert not any(ipaddress.ip_address(text) in network for network in refused()), text
