"""Who stands behind the data, in the words of STAC."""

from __future__ import annotations

import pystac

from aerodag.stac.facts import Provider


def pystac_provider(provider: Provider) -> pystac.Provider:
    """The same provider as an object of pystac's."""
    roles = [pystac.ProviderRole(role) for role in provider.roles]
    return pystac.Provider(provider.name, roles=roles, url=provider.url)
