//! Electoral districts: contiguous, of whole precincts, inside regions, with voters near the mean.
//!
//! In each region districts grow from seeds, the one with the fewest voters first. Then precincts at the
//! edges change sides, at first freely and later only for the better (threshold accepting, which unlike
//! annealing needs no exponential), as long as each district stays in one piece.

use std::collections::BTreeMap;

use crate::{apportion::apportion, error::GeodataError, grid::Node, seed::Stream};

/// Single-member districts in 2021.
pub(crate) const DISTRICTS: u64 = 36;
/// How far the voters of a district may be from the mean, in percent. A region too small for its whole number
/// of districts has a wider limit.
const LIMIT: u32 = 20;
const SMALL_REGION_LIMIT: u32 = 30;
/// Below this share of what its districts would hold, in percent, a region is too small.
const SMALL_REGION: u64 = 80;

const ATTEMPTS: usize = 6;
const MOVES_PER_PRECINCT: usize = 300;
/// Weight of squared deviations against one cut between neighbours.
const BALANCE: f64 = 1_500.0;
/// What a cut costs along the boundary of two raions, where it is natural.
const NATURAL_CUT: f64 = 0.35;

/// A precinct, as far as districts are concerned.
pub(crate) struct Cell {
    /// Registered voters.
    pub voters: u64,
    /// Polling place.
    pub node: Node,
    /// Index of its raion.
    pub raion: usize,
    /// Index of its region.
    pub region: usize,
}

/// The district of each cell, from 0. `order` lists regions as districts are numbered; within a region they
/// are numbered from west to east.
pub(crate) fn districts(
    cells: &[Cell],
    touching: impl Iterator<Item = (usize, usize)>,
    order: &[(usize, &str)],
    seed: u64,
) -> Result<Vec<usize>, GeodataError> {
    let mut neighbours = vec![Vec::new(); cells.len()];
    for (a, b) in touching {
        neighbours[a].push(b);
        neighbours[b].push(a);
    }
    let voters_of = |region: usize| -> u64 {
        cells.iter().filter(|cell| cell.region == region).map(|cell| cell.voters).sum()
    };
    let voters: Vec<u64> = order.iter().map(|(region, _)| voters_of(*region)).collect();
    let mean = voters.iter().sum::<u64>() / DISTRICTS;
    let mut district_of = vec![0; cells.len()];
    let mut first = 0;
    for ((region, id), (count, voters)) in
        order.iter().zip(apportion(DISTRICTS, &voters).into_iter().zip(&voters))
    {
        let limit = if voters * 100 < mean * count * SMALL_REGION { SMALL_REGION_LIMIT } else { LIMIT };
        let members: Vec<usize> = (0..cells.len()).filter(|cell| cells[*cell].region == *region).collect();
        let graph = Graph::new(cells, &neighbours, &members);
        let parts = graph.best(count as usize, mean, limit, seed).ok_or_else(|| {
            GeodataError::Unbalanced { region: (*id).to_owned(), districts: count as usize, limit }
        })?;
        for (member, part) in members.iter().zip(west_to_east(&graph, &parts, count as usize)) {
            district_of[*member] = first + part;
        }
        first += count as usize;
    }
    Ok(district_of)
}

fn west_to_east(graph: &Graph, parts: &[usize], count: usize) -> Vec<usize> {
    let mut places = vec![(0_i64, 0_i64); count];
    for (cell, part) in parts.iter().enumerate() {
        places[*part].0 += i64::from(graph.nodes[cell].x);
        places[*part].1 += 1;
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|part| places[*part].0 / places[*part].1.max(1));
    let rank: BTreeMap<usize, usize> =
        order.into_iter().enumerate().map(|(rank, part)| (part, rank)).collect();
    parts.iter().map(|part| rank[part]).collect()
}

/// The precincts of one region and which of them touch.
struct Graph {
    voters: Vec<u64>,
    nodes: Vec<Node>,
    /// Neighbours, and what a cut between them costs.
    touching: Vec<Vec<(usize, f64)>>,
}

impl Graph {
    fn new(cells: &[Cell], neighbours: &[Vec<usize>], members: &[usize]) -> Self {
        let index: BTreeMap<usize, usize> = members.iter().enumerate().map(|(i, cell)| (*cell, i)).collect();
        let touching = members
            .iter()
            .map(|cell| {
                let cost =
                    |other: &usize| if cells[*other].raion == cells[*cell].raion { 1.0 } else { NATURAL_CUT };
                neighbours[*cell].iter().filter_map(|other| Some((*index.get(other)?, cost(other)))).collect()
            })
            .collect();
        Self {
            voters: members.iter().map(|cell| cells[*cell].voters).collect(),
            nodes: members.iter().map(|cell| cells[*cell].node).collect(),
            touching,
        }
    }

    /// The least costly of several attempts that keep within the limit.
    fn best(&self, count: usize, mean: u64, limit: u32, seed: u64) -> Option<Vec<usize>> {
        let within = |parts: &[usize]| {
            let off = |voters: &u64| voters.abs_diff(mean) * 100 <= mean * u64::from(limit);
            self.sums(parts, count).iter().all(off)
        };
        let mut best: Option<(f64, Vec<usize>)> = None;
        for attempt in 0..ATTEMPTS {
            let mut stream = Stream::new(seed ^ attempt as u64, "districts");
            let Some(mut parts) = self.grow(count, &mut stream) else { continue };
            self.exchange(&mut parts, count, &mut stream);
            let cost = self.cost(&parts, count);
            if within(&parts) && best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, parts));
            }
        }
        best.map(|(_, parts)| parts)
    }

    fn sums(&self, parts: &[usize], count: usize) -> Vec<u64> {
        let mut sums = vec![0; count];
        for (part, voters) in parts.iter().zip(&self.voters) {
            sums[*part] += voters;
        }
        sums
    }

    fn deviation(&self, sum: u64, count: usize) -> f64 {
        let target = self.voters.iter().sum::<u64>() as f64 / count as f64;
        (sum as f64 / target - 1.0) * (sum as f64 / target - 1.0) * BALANCE
    }

    fn cost(&self, parts: &[usize], count: usize) -> f64 {
        let cuts: f64 = (0..parts.len()).map(|cell| self.cuts(cell, parts, parts[cell])).sum();
        let balance: f64 = self.sums(parts, count).iter().map(|sum| self.deviation(*sum, count)).sum();
        cuts / 2.0 + balance
    }

    /// Cost of the cuts around a cell if it were in `part`.
    fn cuts(&self, cell: usize, parts: &[usize], part: usize) -> f64 {
        self.touching[cell].iter().filter(|(other, _)| parts[*other] != part).map(|(_, cost)| cost).sum()
    }

    /// Districts grown from far-apart seeds; `None` where the region itself is not in one piece.
    fn grow(&self, count: usize, stream: &mut Stream) -> Option<Vec<usize>> {
        let mut seeds = vec![stream.below(self.nodes.len())];
        while seeds.len() < count {
            let apart = |cell: usize| -> f64 {
                let nearest = seeds.iter().map(|seed| self.nodes[*seed].distance(self.nodes[cell]));
                nearest.fold(f64::MAX, f64::min)
            };
            // Of a few chosen at random, the furthest: always the furthest would be the rim each time.
            let drawn: Vec<usize> = (0..12).map(|_| stream.below(self.nodes.len())).collect();
            seeds.push(drawn.into_iter().max_by(|a, b| apart(*a).total_cmp(&apart(*b)))?);
        }
        let mut parts: Vec<Option<usize>> = vec![None; self.nodes.len()];
        let mut sums = vec![0; count];
        for (part, seed) in seeds.iter().enumerate() {
            if parts[*seed].replace(part).is_some() {
                return None;
            }
            sums[part] = self.voters[*seed];
        }
        for _ in seeds.len()..parts.len() {
            let (part, cell) = self.next_to_join(&parts, &sums, &seeds)?;
            parts[cell] = Some(part);
            sums[part] += self.voters[cell];
        }
        parts.into_iter().collect()
    }

    /// The smallest district that can grow, and the free cell on its edge that lies nearest to its seed.
    fn next_to_join(&self, parts: &[Option<usize>], sums: &[u64], seeds: &[usize]) -> Option<(usize, usize)> {
        let mut order: Vec<usize> = (0..sums.len()).collect();
        order.sort_by_key(|part| sums[*part]);
        order.into_iter().find_map(|part| {
            let edge = (0..parts.len()).filter(|cell| {
                parts[*cell].is_none()
                    && self.touching[*cell].iter().any(|(other, _)| parts[*other] == Some(part))
            });
            let far = |cell: &usize| self.nodes[*cell].distance(self.nodes[seeds[part]]);
            edge.min_by(|a, b| far(a).total_cmp(&far(b))).map(|cell| (part, cell))
        })
    }

    fn exchange(&self, parts: &mut [usize], count: usize, stream: &mut Stream) {
        let mut sums = self.sums(parts, count);
        let moves = MOVES_PER_PRECINCT * parts.len();
        for step in 0..moves {
            let cell = stream.below(parts.len());
            let Some((other, _)) = stream.pick(&self.touching[cell]) else { continue };
            let (from, to) = (parts[cell], parts[*other]);
            if from == to {
                continue;
            }
            let voters = self.voters[cell];
            let balance = self.deviation(sums[from] - voters, count)
                + self.deviation(sums[to] + voters, count)
                - self.deviation(sums[from], count)
                - self.deviation(sums[to], count);
            let change = self.cuts(cell, parts, to) - self.cuts(cell, parts, from) + balance;
            let patience = 2.5 * (1.0 - step as f64 / (moves as f64 * 0.9)).max(0.0);
            if change < patience * stream.share() && self.holds_without(cell, parts) {
                parts[cell] = to;
                sums[from] -= voters;
                sums[to] += voters;
            }
        }
    }

    /// Whether the district of a cell stays in one piece, and not empty, when the cell leaves it.
    fn holds_without(&self, cell: usize, parts: &[usize]) -> bool {
        let part = parts[cell];
        let mine = |other: usize| other != cell && parts[other] == part;
        let Some(start) = self.touching[cell].iter().map(|(other, _)| *other).find(|other| mine(*other))
        else {
            return false;
        };
        let mut seen = vec![false; parts.len()];
        seen[start] = true;
        let mut reached = vec![start];
        let mut done = 0;
        while let Some(&current) = reached.get(done) {
            done += 1;
            for (other, _) in &self.touching[current] {
                if mine(*other) && !std::mem::replace(&mut seen[*other], true) {
                    reached.push(*other);
                }
            }
        }
        self.touching[cell].iter().all(|(other, _)| !mine(*other) || seen[*other])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(width: usize, height: usize) -> (Vec<Cell>, Vec<(usize, usize)>) {
        let cells = (0..width * height).map(|i| Cell {
            voters: 1_000 + (i as u64 * 37) % 300,
            node: Node { x: (i % width) as i32 * 1_000, y: (i / width) as i32 * 1_000 },
            raion: usize::from(i % width >= width / 2),
            region: 0,
        });
        let right = (0..width * height).filter(|i| i % width + 1 < width).map(|i| (i, i + 1));
        let up = (0..width * (height - 1)).map(|i| (i, i + width));
        (cells.collect(), right.chain(up).collect())
    }

    #[test]
    fn a_grid_is_divided_into_contiguous_districts_near_the_mean() {
        let (cells, touching) = grid(24, 18);
        let parts = districts(&cells, touching.iter().copied(), &[(0, "grid")], 5).unwrap();
        let mut sums = [0; DISTRICTS as usize];
        for (cell, part) in cells.iter().zip(&parts) {
            sums[*part] += cell.voters;
        }
        let mean = sums.iter().sum::<u64>() / DISTRICTS;
        assert!(sums.iter().all(|sum| sum.abs_diff(mean) * 100 <= mean * 20), "{sums:?}");
        for part in 0..DISTRICTS as usize {
            let members: Vec<usize> = (0..cells.len()).filter(|cell| parts[*cell] == part).collect();
            let mut reached = vec![members[0]];
            let mut done = 0;
            while done < reached.len() {
                let here = reached[done];
                done += 1;
                for (a, b) in &touching {
                    for (from, to) in [(*a, *b), (*b, *a)] {
                        if from == here && parts[to] == part && !reached.contains(&to) {
                            reached.push(to);
                        }
                    }
                }
            }
            assert_eq!(reached.len(), members.len(), "district {part}");
        }
    }

    #[test]
    fn a_region_in_two_pieces_is_refused_by_name() {
        let (cells, _) = grid(8, 6);
        let error = districts(&cells, std::iter::empty(), &[(0, "split")], 5).unwrap_err();
        assert!(error.to_string().starts_with("region split: no 36 contiguous districts"), "{error}");
    }
}
