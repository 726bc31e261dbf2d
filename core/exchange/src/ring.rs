//! Rings of an area: whether they cross, where holes lie, and which way they run.

use geo::coordinate_position::{CoordPos, coord_pos_relative_to_ring};
use geo::{Coord, LineString};

/// How many pairs of edges are compared for each corner. An area that somebody drew needs a few; one that was made to
/// cost time is not looked at further.
const PAIRS_PER_CORNER: usize = 200;

/// The least number of pairs that are compared, whatever the area.
const LEAST_PAIRS: usize = 100_000;

/// What is found in sound rings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    /// A ring runs the other way round than RFC 7946 asks for: edges against the clock, holes with it.
    pub(crate) turned: bool,
    /// There was too much to look for every crossing.
    pub(crate) unchecked: bool,
}

/// One edge of a ring.
struct Edge {
    from: Coord,
    to: Coord,
    ring: usize,
    at: usize,
}

impl Edge {
    fn left(&self) -> f64 {
        self.from.x.min(self.to.x)
    }

    fn right(&self) -> f64 {
        self.from.x.max(self.to.x)
    }
}

/// Judges closed rings, the first of which is the edge of the area; a fault names the ring and says why.
pub(crate) fn check(rings: &[LineString]) -> Result<Checked, (usize, &'static str)> {
    let corners: usize = rings.iter().map(|ring| ring.0.len()).sum();
    let mut budget = (corners * PAIRS_PER_CORNER).max(LEAST_PAIRS);
    let mut checked = Checked { unchecked: !crossings(rings, &mut budget)?, ..Checked::default() };
    if let Some((edge, holes)) = rings.split_first() {
        for (number, hole) in holes.iter().enumerate() {
            let Some(left) = budget.checked_sub(edge.0.len()) else {
                checked.unchecked = true;
                break;
            };
            budget = left;
            // Rings that do not cross lie wholly on one side; a corner on the edge itself tells nothing.
            let sides = hole.0.iter().take(8).map(|corner| coord_pos_relative_to_ring(*corner, edge));
            if sides.into_iter().find(|side| *side != CoordPos::OnBoundary) == Some(CoordPos::Outside) {
                return Err((number + 1, "is a hole outside its area"));
            }
        }
    }
    checked.turned = rings.iter().enumerate().any(|(number, ring)| {
        let area = twice_area(ring);
        if number == 0 { area < 0.0 } else { area > 0.0 }
    });
    Ok(checked)
}

/// A point inside an area, in the middle of the widest part of a line across it, and how wide that part is.
///
/// The line lies halfway between south and north, and meets no corner. An area without any height has no inside.
pub(crate) fn inside(rings: &[LineString]) -> Option<(f64, Coord)> {
    let corners = || rings.iter().flat_map(|ring| &ring.0);
    let edge = rings.first()?.0.iter().map(|corner| corner.y);
    let (south, north) = edge.fold((f64::MAX, f64::MIN), |(low, high), y| (low.min(y), high.max(y)));
    let middle = f64::midpoint(south, north);
    let above = corners().map(|corner| corner.y).filter(|y| *y > middle).fold(f64::MAX, f64::min);
    let y = if corners().any(|corner| corner.y == middle) { f64::midpoint(middle, above) } else { middle };
    if !(south < y && y < north) {
        return None;
    }
    let pairs = rings.iter().flat_map(|ring| ring.0.windows(2));
    let mut met: Vec<f64> = pairs
        .filter(|pair| (pair[0].y > y) != (pair[1].y > y))
        .map(|pair| pair[0].x + (y - pair[0].y) / (pair[1].y - pair[0].y) * (pair[1].x - pair[0].x))
        .collect();
    met.sort_by(f64::total_cmp);
    let parts =
        met.chunks_exact(2).map(|part| (part[1] - part[0], Coord { x: f64::midpoint(part[0], part[1]), y }));
    parts.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(width, _)| *width > 0.0)
}

/// Twice the area, positive where a ring runs against the clock.
fn twice_area(ring: &LineString) -> f64 {
    let Some(origin) = ring.0.first() else { return 0.0 };
    let part = |pair: &[Coord]| {
        let (a, b) = (pair[0] - *origin, pair[1] - *origin);
        a.x * b.y - b.x * a.y
    };
    ring.0.windows(2).map(part).sum()
}

/// Fails where edges cross; `false` where the budget ended first.
fn crossings(rings: &[LineString], budget: &mut usize) -> Result<bool, (usize, &'static str)> {
    let mut edges: Vec<Edge> = Vec::new();
    for (ring, line) in rings.iter().enumerate() {
        let pairs = line.0.windows(2).filter(|pair| pair[0] != pair[1]).enumerate();
        edges.extend(pairs.map(|(at, pair)| Edge { from: pair[0], to: pair[1], ring, at }));
    }
    edges.sort_by(|a, b| a.left().total_cmp(&b.left()));
    for (index, edge) in edges.iter().enumerate() {
        for other in edges[index + 1..].iter().take_while(|other| other.left() <= edge.right()) {
            let Some(left) = budget.checked_sub(1) else { return Ok(false) };
            *budget = left;
            if cross(edge, other) {
                return Err(if edge.ring == other.ring {
                    (edge.ring, "is a ring that crosses itself")
                } else {
                    (edge.ring.max(other.ring), "is a ring that crosses another ring of its area")
                });
            }
        }
    }
    Ok(true)
}

/// Whether two edges cross in the middle of both. Edges that only touch, as neighbours do, do not.
fn cross(a: &Edge, b: &Edge) -> bool {
    let low = |edge: &Edge| edge.from.y.min(edge.to.y);
    let high = |edge: &Edge| edge.from.y.max(edge.to.y);
    if low(a) > high(b) || low(b) > high(a) || (a.ring == b.ring && a.at.abs_diff(b.at) == 1) {
        return false;
    }
    let side = |edge: &Edge, corner: Coord| robust_sign(edge.from, edge.to, corner);
    side(a, b.from) * side(a, b.to) < 0 && side(b, a.from) * side(b, a.to) < 0
}

/// On which side of a line a corner lies, exactly: -1, 0 or 1.
fn robust_sign(from: Coord, to: Coord, corner: Coord) -> i8 {
    use geo::kernels::{Kernel, Orientation, RobustKernel};
    match RobustKernel::orient2d(from, to, corner) {
        Orientation::CounterClockwise => 1,
        Orientation::Clockwise => -1,
        Orientation::Collinear => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(corners: &[(f64, f64)]) -> LineString {
        LineString::from(corners.to_vec())
    }

    const SQUARE: [(f64, f64); 5] = [(0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0), (0.0, 0.0)];
    const HOLE: [(f64, f64); 4] = [(2.0, 2.0), (2.0, 4.0), (4.0, 2.0), (2.0, 2.0)];

    #[test]
    fn sound_rings_pass_and_the_way_they_run_is_told() {
        assert_eq!(check(&[]), Ok(Checked::default()));
        assert_eq!(check(&[ring(&SQUARE), ring(&HOLE)]), Ok(Checked::default()));
        let turned: Vec<_> = SQUARE.iter().rev().copied().collect();
        assert_eq!(check(&[ring(&turned)]), Ok(Checked { turned: true, unchecked: false }));
        // A hole that touches the edge in a corner is sound.
        let touching = [(0.0, 0.0), (2.0, 4.0), (4.0, 2.0), (0.0, 0.0)];
        assert_eq!(check(&[ring(&SQUARE), ring(&touching)]), Ok(Checked::default()));
    }

    #[test]
    fn crossings_and_holes_elsewhere_are_named() {
        let bow = [(0.0, 0.0), (4.0, 4.0), (4.0, 0.0), (0.0, 4.0), (0.0, 0.0)];
        assert_eq!(check(&[ring(&bow)]), Err((0, "is a ring that crosses itself")));
        let out = [(8.0, 8.0), (8.0, 12.0), (8.5, 8.0), (8.0, 8.0)];
        assert_eq!(
            check(&[ring(&SQUARE), ring(&out)]),
            Err((1, "is a ring that crosses another ring of its area"))
        );
        let far = HOLE.map(|(x, y)| (x + 20.0, y));
        assert_eq!(check(&[ring(&SQUARE), ring(&HOLE), ring(&far)]), Err((2, "is a hole outside its area")));
    }

    #[test]
    fn an_area_made_to_cost_time_is_not_looked_at_to_the_end() {
        // A saw of long teeth: every edge overlaps every other from left to right.
        let teeth = 20_000;
        let mut saw: Vec<(f64, f64)> =
            (0..teeth).map(|at| (f64::from(at % 2) * 100.0, f64::from(at) / 1000.0)).collect();
        saw.extend([(200.0, 30.0), (200.0, -1.0), saw[0]]);
        let saw = [ring(&saw)];
        assert_eq!(check(&saw).map(|checked| checked.unchecked), Ok(true));
        assert!(inside(&saw).is_some());
    }

    #[test]
    fn a_point_inside_lies_in_no_hole_and_on_no_edge() {
        assert_eq!(inside(&[ring(&SQUARE)]), Some((9.0, Coord { x: 4.5, y: 4.5 })));
        let hole = [(1.0, 1.0), (1.0, 8.0), (7.0, 8.0), (7.0, 1.0), (1.0, 1.0)];
        assert_eq!(inside(&[ring(&SQUARE), ring(&hole)]), Some((2.0, Coord { x: 8.0, y: 4.5 })));
        // A corner halfway up: the line moves off it.
        let arrow = [(0.0, 0.0), (4.0, 2.0), (0.0, 4.0), (0.0, 0.0)];
        assert_eq!(inside(&[ring(&arrow)]), Some((2.0, Coord { x: 1.0, y: 3.0 })));
        assert_eq!(inside(&[ring(&[(0.0, 1.0), (3.0, 1.0), (5.0, 1.0), (0.0, 1.0)])]), None);
        assert_eq!(inside(&[]), None);
    }
}
