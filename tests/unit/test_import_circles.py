"""The rule by which `make check` finds circles of imports."""

from itertools import pairwise

from grimp import ImportGraph

from tests.import_circles import circles


def test_a_circle_is_found_with_its_way_and_a_chain_is_none():
    graph = ImportGraph()
    for importer, imported in (("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e")):
        graph.add_import(importer=importer, imported=imported)
    [found] = circles(graph)
    assert found[0] == found[-1]
    assert set(pairwise(found)) == {("a", "b"), ("b", "c"), ("c", "a")}
