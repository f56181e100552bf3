//! `devices.csv`: urns and ID terminals by the size of the precinct, and spare urns.

use super::{precincts::Precinct, tables::Table};
use crate::{error::GeodataError, raions::Country};

/// Registered voters from which a precinct has a second, and a third urn.
const MORE_URNS: [u64; 2] = [2_440, 2_590];
/// Registered voters from which a precinct has a second, third and fourth terminal.
const MORE_TERMINALS: [u64; 3] = [620, 1_380, 2_380];
/// Spare urns in each region.
const SPARES: usize = 2;

fn count(registered: u64, steps: &[u64]) -> usize {
    1 + steps.iter().filter(|step| registered >= **step).count()
}

/// All devices. Their keys are empty until they are provisioned.
pub(crate) fn devices(country: &Country, precincts: &[Precinct]) -> Result<Vec<u8>, GeodataError> {
    let header = ["device", "kind", "precinct", "contests", "public_key", "status", "replaces"];
    let mut table = Table::new("devices.csv", &header)?;
    for precinct in precincts {
        let number = precinct.number.to_string();
        let urns = if precinct.manual { 0 } else { count(precinct.registered, &MORE_URNS) };
        for index in 1..=urns {
            table.row(&[&format!("u-{number}-{index}"), "urn", &number, "", "", "active", ""])?;
        }
        for index in 1..=count(precinct.registered, &MORE_TERMINALS) {
            table.row(&[&format!("t-{number}-{index}"), "id_terminal", &number, "", "", "active", ""])?;
        }
    }
    for region in &country.regions {
        for index in 1..=SPARES {
            table.row(&[&format!("s-{}-{index}", region.properties.id), "urn", "", "", "", "spare", ""])?;
        }
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_devices_follows_the_size() {
        assert_eq!([80, 2_450, 2_600].map(|voters| count(voters, &MORE_URNS)), [1, 2, 3]);
        assert_eq!([80, 620, 1_380, 2_600].map(|voters| count(voters, &MORE_TERMINALS)), [1, 2, 3, 4]);
    }
}
