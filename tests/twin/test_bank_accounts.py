"""Bank accounts in the twin are made up, and pass the check every bank makes (ISO 13616: remainder 1 by 97)."""

from o2c_twin.twin.chance import Chance
from o2c_twin.twin.stands.bank_iso20022 import company_iban
from o2c_twin.twin.world.population import customers
from o2c_twin.twin.world.rates import market
from o2c_twin.twin.world.settings import WorldSettings


def _holds(iban: str) -> bool:
    moved = iban[4:] + iban[:4]
    return int("".join(str(int(letter, 36)) for letter in moved)) % 97 == 1


def test_the_company_and_every_customer_has_an_account_of_its_own_that_a_bank_would_take() -> None:
    settings, chance = WorldSettings(), Chance(7)
    buyers = customers(settings, chance, market(settings, chance, {}), 0)
    ibans = [*(company_iban(nth) for nth in range(4)), *(customer.iban for customer in buyers)]
    assert len(ibans) > 50
    assert len(set(ibans)) == len(ibans)
    assert [iban for iban in ibans if len(iban) != 22 or not _holds(iban)] == []
