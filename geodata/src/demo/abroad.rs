//! Precincts abroad: 59, in cities where citizens live.

/// A city with precincts.
pub(crate) struct City {
    /// Kyrgyz name.
    pub ky: &'static str,
    /// Russian name.
    pub ru: &'static str,
    /// Longitude and latitude, degrees.
    pub place: [f64; 2],
    /// IANA time zone.
    pub timezone: &'static str,
    /// Local time at which polls close: 20:00, but not after polls close at home, since votes may be
    /// published then.
    pub polls_close: &'static str,
    /// Precincts.
    pub precincts: usize,
    /// Voters of each, relative to the others.
    pub weight: u64,
}

macro_rules! city {
    ($ky:literal, $ru:literal, $lon:literal, $lat:literal, $zone:literal, $close:literal, $precincts:literal, $weight:literal) => {
        City {
            ky: $ky,
            ru: $ru,
            place: [$lon, $lat],
            timezone: $zone,
            polls_close: $close,
            precincts: $precincts,
            weight: $weight,
        }
    };
}

/// All cities, in the order of their precincts' numbers.
pub(crate) const CITIES: [City; 36] = [
    city!("Москва", "Москва", 37.6176, 55.7558, "Europe/Moscow", "17:00", 7, 22),
    city!("Санкт-Петербург", "Санкт-Петербург", 30.3351, 59.9343, "Europe/Moscow", "17:00", 3, 16),
    city!("Екатеринбург", "Екатеринбург", 60.6057, 56.8389, "Asia/Yekaterinburg", "19:00", 3, 14),
    city!("Новосибирск", "Новосибирск", 82.9204, 55.0302, "Asia/Novosibirsk", "20:00", 3, 11),
    city!("Владивосток", "Владивосток", 131.8869, 43.1155, "Asia/Vladivostok", "20:00", 1, 5),
    city!("Хабаровск", "Хабаровск", 135.0719, 48.4802, "Asia/Vladivostok", "20:00", 1, 4),
    city!("Якутск", "Якутск", 129.7326, 62.0355, "Asia/Yakutsk", "20:00", 1, 7),
    city!("Иркутск", "Иркутск", 104.2964, 52.2864, "Asia/Irkutsk", "20:00", 1, 7),
    city!("Красноярск", "Красноярск", 92.8932, 56.0153, "Asia/Krasnoyarsk", "20:00", 2, 9),
    city!("Томск", "Томск", 84.9744, 56.4977, "Asia/Tomsk", "20:00", 1, 6),
    city!("Омск", "Омск", 73.3686, 54.9893, "Asia/Omsk", "20:00", 1, 5),
    city!("Сургут", "Сургут", 73.4167, 61.2540, "Asia/Yekaterinburg", "19:00", 2, 8),
    city!("Челябинск", "Челябинск", 61.4368, 55.1644, "Asia/Yekaterinburg", "19:00", 1, 6),
    city!("Самара", "Самара", 50.1002, 53.1959, "Europe/Samara", "18:00", 1, 7),
    city!("Казань", "Казань", 49.1064, 55.7963, "Europe/Moscow", "17:00", 2, 7),
    city!("Нижний Новгород", "Нижний Новгород", 44.0059, 56.3269, "Europe/Moscow", "17:00", 1, 6),
    city!("Ростов-на-Дону", "Ростов-на-Дону", 39.7015, 47.2357, "Europe/Moscow", "17:00", 1, 5),
    city!("Краснодар", "Краснодар", 38.9747, 45.0355, "Europe/Moscow", "17:00", 1, 6),
    city!("Алматы", "Алматы", 76.9286, 43.2567, "Asia/Almaty", "19:00", 3, 11),
    city!("Астана", "Астана", 71.4304, 51.1280, "Asia/Almaty", "19:00", 2, 7),
    city!("Ташкент", "Ташкент", 69.2401, 41.2995, "Asia/Tashkent", "19:00", 1, 3),
    city!("Стамбул", "Стамбул", 28.9784, 41.0082, "Europe/Istanbul", "17:00", 3, 12),
    city!("Анкара", "Анкара", 32.8597, 39.9334, "Europe/Istanbul", "17:00", 1, 4),
    city!("Сеул", "Сеул", 126.9780, 37.5665, "Asia/Seoul", "20:00", 2, 9),
    city!("Пусан", "Пусан", 129.0756, 35.1796, "Asia/Seoul", "20:00", 1, 3),
    city!("Токио", "Токио", 139.6917, 35.6895, "Asia/Tokyo", "20:00", 1, 3),
    city!("Пекин", "Пекин", 116.4074, 39.9042, "Asia/Shanghai", "20:00", 1, 2),
    city!("Гуанчжоу", "Гуанчжоу", 113.2644, 23.1291, "Asia/Shanghai", "20:00", 1, 2),
    city!("Дели", "Дели", 77.2090, 28.6139, "Asia/Kolkata", "19:30", 1, 1),
    city!("Дубай", "Дубай", 55.2708, 25.2048, "Asia/Dubai", "18:00", 2, 6),
    city!("Берлин", "Берлин", 13.4050, 52.5200, "Europe/Berlin", "16:00", 2, 6),
    city!("Париж", "Париж", 2.3522, 48.8566, "Europe/Paris", "16:00", 1, 3),
    city!("Лондон", "Лондон", -0.1276, 51.5074, "Europe/London", "15:00", 1, 5),
    city!("Варшава", "Варшава", 21.0122, 52.2297, "Europe/Warsaw", "16:00", 1, 4),
    city!("Нью-Йорк", "Нью-Йорк", -74.0060, 40.7128, "America/New_York", "10:00", 1, 6),
    city!("Чикаго", "Чикаго", -87.6298, 41.8781, "America/Chicago", "09:00", 1, 7),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_fifty_nine_precincts_abroad() {
        assert_eq!(CITIES.iter().map(|city| city.precincts).sum::<usize>(), 59);
    }
}
