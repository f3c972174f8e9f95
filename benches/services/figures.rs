//! Statistics of small samples, and tables.

/// The p-quantile, by interpolation between the nearest two; of nothing, NaN.
pub fn quantile(values: &[f64], p: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = p * last as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

/// The median.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The mean.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// By how much `ys`, taken one step apart, rises per step: the slope of the least-squares line.
pub fn slope(ys: &[f64]) -> f64 {
    let middle = (ys.len() as f64 - 1.0) / 2.0;
    let height = mean(ys);
    let (mut with, mut alone) = (0.0, 0.0);
    for (x, y) in ys.iter().enumerate() {
        let x = x as f64 - middle;
        with += x * (y - height);
        alone += x * x;
    }
    with / alone
}

/// Prints a Markdown table.
pub fn table(title: &str, head: &[&str], rows: &[Vec<String>]) {
    println!("\n### {title}\n\n| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
}
