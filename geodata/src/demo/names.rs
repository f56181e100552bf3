//! Invented people with Kyrgyz, Russian, Uzbek and Dungan names. No name is of anybody.

use std::collections::BTreeSet;

use crate::{base::Names, seed::Stream};

/// A group of names that go together. Surnames are the masculine form in Kyrgyz spelling.
struct Group {
    surnames: &'static [&'static str],
    men: &'static [&'static str],
    women: &'static [&'static str],
    /// How Ж is written in Latin letters.
    zh: &'static str,
}

const KYRGYZ: Group = Group {
    surnames: &[
        "Абдыкеримов",
        "Айтбаев",
        "Акматбеков",
        "Алымкулов",
        "Арстанбеков",
        "Асанакунов",
        "Байгазиев",
        "Байсалов",
        "Бекмурзаев",
        "Бообеков",
        "Досматов",
        "Дүйшөналиев",
        "Жакыпбеков",
        "Жолдошалиев",
        "Жумагулов",
        "Зарлыков",
        "Исаков",
        "Кадыралиев",
        "Калыбеков",
        "Касымалиев",
        "Кожогулов",
        "Кочкорбаев",
        "Кубанычбеков",
        "Курманалиев",
        "Мааткеримов",
        "Маматкулов",
        "Мамбетакунов",
        "Молдокулов",
        "Мукашев",
        "Мырзакматов",
        "Назаркулов",
        "Ногойбаев",
        "Нурматов",
        "Орозалиев",
        "Осмонкулов",
        "Өмүралиев",
        "Рыскулбеков",
        "Сагынбаев",
        "Садыркулов",
        "Сапаралиев",
        "Сатыбалдиев",
        "Сейдакматов",
        "Сулайманкулов",
        "Сүйүнбаев",
        "Таштанбеков",
        "Темирбаев",
        "Тилекматов",
        "Токтоболотов",
        "Төлөмүшев",
        "Турганбаев",
        "Үсөнкулов",
        "Чотбаев",
        "Чыныбаев",
        "Шаменов",
        "Шаршенкулов",
        "Ысмайылов",
        "Эгембаев",
        "Эсенканов",
    ],
    men: &[
        "Азат",
        "Айбек",
        "Акыл",
        "Алтынбек",
        "Арген",
        "Бакыт",
        "Бактияр",
        "Бекзат",
        "Болот",
        "Данияр",
        "Жаныбек",
        "Жеңиш",
        "Жолдош",
        "Замир",
        "Ишенбек",
        "Кайрат",
        "Кубат",
        "Максат",
        "Мирлан",
        "Нурбек",
        "Нурлан",
        "Өмүрбек",
        "Рустам",
        "Сабыр",
        "Самат",
        "Сыймык",
        "Талант",
        "Тилек",
        "Төрөбек",
        "Уланбек",
        "Чыңгыз",
        "Эльдар",
        "Эмил",
        "Эрлан",
        "Эрмек",
    ],
    women: &[
        "Айгерим",
        "Айгүл",
        "Айжан",
        "Айзада",
        "Айнура",
        "Алтынай",
        "Асель",
        "Бактыгүл",
        "Бегимай",
        "Бермет",
        "Бурул",
        "Гүлбара",
        "Гүлзат",
        "Гүлнара",
        "Жазгүл",
        "Жамиля",
        "Жибек",
        "Жылдыз",
        "Зарина",
        "Каныкей",
        "Кенжегүл",
        "Махабат",
        "Мээрим",
        "Назгүл",
        "Нургүл",
        "Перизат",
        "Салтанат",
        "Сезим",
        "Таалайгүл",
        "Чолпон",
        "Ширин",
        "Элнура",
    ],
    zh: "j",
};
const RUSSIAN: Group = Group {
    surnames: &[
        "Белозеров",
        "Власов",
        "Гончаров",
        "Дорофеев",
        "Ермаков",
        "Журавлев",
        "Зайцев",
        "Кондратьев",
        "Лапин",
        "Мельников",
        "Никитин",
        "Панфилов",
        "Рябов",
        "Савельев",
        "Тарасов",
        "Широков",
    ],
    men: &["Андрей", "Виктор", "Денис", "Игорь", "Константин", "Максим", "Павел", "Роман", "Сергей", "Юрий"],
    women: &[
        "Анна",
        "Валентина",
        "Галина",
        "Елена",
        "Ирина",
        "Людмила",
        "Марина",
        "Наталья",
        "Ольга",
        "Светлана",
    ],
    zh: "zh",
};
const UZBEK: Group = Group {
    surnames: &[
        "Абдуллажанов",
        "Азизов",
        "Ганиев",
        "Кадыржанов",
        "Мамажанов",
        "Рахматуллаев",
        "Сабиров",
        "Таджибаев",
        "Турсунбаев",
        "Хакимов",
        "Холматов",
        "Эргешов",
        "Юлдашев",
    ],
    men: &["Алишер", "Бахтияр", "Дилшод", "Иброхим", "Равшан", "Улугбек", "Фарход", "Шерзод"],
    women: &["Гулчехра", "Дилноза", "Зухра", "Малика", "Нигора", "Шахноза", "Феруза"],
    zh: "j",
};
const DUNGAN: Group = Group {
    surnames: &["Арсаев", "Дауров", "Исмаров", "Мадынов", "Сушанов", "Хусанов", "Чинизов", "Юсуров"],
    men: &["Ибрагим", "Исхар", "Мухамед", "Рашид", "Юсуп"],
    women: &["Аминэ", "Зухара", "Мадина", "Фатимэ", "Халида"],
    zh: "zh",
};

/// A person on a ballot.
pub(crate) struct Person {
    /// Surname first in Kyrgyz and Russian, last in English.
    pub names: Names,
    /// `f` or `m`, as the election files have it.
    pub sex: &'static str,
}

/// People, none twice.
pub(crate) struct People {
    stream: Stream,
    known: BTreeSet<String>,
}

impl People {
    /// The people of a seed.
    pub fn new(seed: u64) -> Self {
        Self { stream: Stream::new(seed, "people"), known: BTreeSet::new() }
    }

    /// Somebody who has not been named before.
    pub fn next(&mut self, woman: bool) -> Person {
        loop {
            let group = match self.stream.below(100) {
                0..75 => &KYRGYZ,
                75..87 => &RUSSIAN,
                87..96 => &UZBEK,
                _ => &DUNGAN,
            };
            let surname = self.stream.pick(group.surnames).copied().unwrap_or_default();
            let given =
                self.stream.pick(if woman { group.women } else { group.men }).copied().unwrap_or_default();
            let surname = if woman { format!("{surname}а") } else { surname.to_owned() };
            let ky = format!("{surname} {given}");
            if self.known.insert(ky.clone()) {
                let (family, own) = (russian(&surname), russian(given));
                let en = format!("{} {}", latin(&own, group.zh), latin(&family, group.zh));
                let names = Names { ky, ru: format!("{family} {own}"), en };
                return Person { names, sex: if woman { "f" } else { "m" } };
            }
        }
    }
}

/// Kyrgyz letters that Russian does not have.
fn russian(kyrgyz: &str) -> String {
    kyrgyz
        .chars()
        .map(|letter| match letter {
            'Ө' => 'О',
            'ө' => 'о',
            'Ү' => 'У',
            'ү' => 'у',
            'Ң' => 'Н',
            'ң' => 'н',
            other => other,
        })
        .collect()
}

const LATIN: [(char, &str); 33] = [
    ('а', "a"),
    ('б', "b"),
    ('в', "v"),
    ('г', "g"),
    ('д', "d"),
    ('е', "e"),
    ('ё', "yo"),
    ('ж', "zh"),
    ('з', "z"),
    ('и', "i"),
    ('й', "i"),
    ('к', "k"),
    ('л', "l"),
    ('м', "m"),
    ('н', "n"),
    ('о', "o"),
    ('п', "p"),
    ('р', "r"),
    ('с', "s"),
    ('т', "t"),
    ('у', "u"),
    ('ф', "f"),
    ('х', "kh"),
    ('ц', "ts"),
    ('ч', "ch"),
    ('ш', "sh"),
    ('щ', "shch"),
    ('ъ', ""),
    ('ы', "y"),
    ('ь', ""),
    ('э', "e"),
    ('ю', "yu"),
    ('я', "ya"),
];

/// Latin letters as passports have them.
pub(crate) fn latin(cyrillic: &str, zh: &str) -> String {
    let mut text = String::new();
    for letter in cyrillic.chars() {
        let lower: String = letter.to_lowercase().collect();
        let written = LATIN.iter().find(|(from, _)| lower.starts_with(*from)).map(|(from, to)| match from {
            'ж' => zh,
            _ => to,
        });
        match written {
            None => text.push(letter),
            Some(written) if letter.is_lowercase() => text.push_str(written),
            Some(written) => {
                let mut letters = written.chars();
                text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
                text.extend(letters);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_stands_twice_and_women_have_women_s_names() {
        let mut people = People::new(3);
        let all: Vec<Person> = (0..1_400).map(|i| people.next(i % 3 == 0)).collect();
        let distinct: BTreeSet<&str> = all.iter().map(|person| person.names.ru.as_str()).collect();
        assert!(distinct.len() > 1_390, "{}", distinct.len());
        assert!(all.iter().step_by(3).all(|person| person.sex == "f" && person.names.ru.contains("а ")));
    }

    #[test]
    fn names_are_written_as_each_language_writes_them() {
        assert_eq!(russian("Дүйшөналиева Жеңиш"), "Дуйшоналиева Жениш");
        assert_eq!(latin("Жазгул", "j"), "Jazgul");
        assert_eq!(latin("Журавлев Юрий", "zh"), "Zhuravlev Yurii");
    }
}
