"""A NodeODM server with a survey's results, for the tests that ask for one."""

import pytest

from cases.nodeodm import TOKEN, make_project, packed, results_tree
from servers.nodeodm import NodeServer
from servers.nodeodm_node import Scenario


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return results_tree(tmp_path_factory.mktemp("made"))


@pytest.fixture
def node(tmp_path, tree):
    server = NodeServer(tmp_path / "node", token=TOKEN)
    server.scenario = Scenario(results=packed(tree))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path / "work" / "project")
