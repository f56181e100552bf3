//! Twenty-one parties that do not exist.

use crate::base::Names;

/// A list on the ballot.
pub(crate) struct Party {
    /// Kyrgyz name.
    pub ky: &'static str,
    /// Russian name.
    pub ru: &'static str,
    /// English name.
    pub en: &'static str,
    /// Colour on screens.
    pub color: &'static str,
}

impl Party {
    /// The names, owned.
    pub fn names(&self) -> Names {
        Names { ky: self.ky.into(), ru: self.ru.into(), en: self.en.into() }
    }
}

const fn party(ky: &'static str, ru: &'static str, en: &'static str, color: &'static str) -> Party {
    Party { ky, ru, en, color }
}

/// In the order of their numbers. The first ten have calm, saturated colours, told apart by lightness and by
/// blue against yellow, which red-green blindness leaves; the others are muted.
pub(crate) const PARTIES: [Party; 21] = [
    party("Көк Ашуу", "Синий перевал", "Blue Pass", "#1f5fa8"),
    party("Алтын Дан", "Золотое зерно", "Golden Grain", "#d9a21b"),
    party("Чынар", "Чинара", "Plane Tree", "#1b7f6b"),
    party("Таң Шамы", "Свет зари", "Light of Dawn", "#c8502f"),
    party("Беш Булак", "Пять родников", "Five Springs", "#58a9dc"),
    party("Кең Талаа", "Широкое поле", "Broad Field", "#7a4a96"),
    party("Тоо Тилеги", "Надежда гор", "Hope of the Mountains", "#8cb63c"),
    party("Ак Көпүрө", "Белый мост", "White Bridge", "#d982ab"),
    party("Орток Очок", "Общий очаг", "Common Hearth", "#8a3b2b"),
    party("Жаңы Арык", "Новый арык", "New Canal", "#123a63"),
    party("Жашыл Өрөөн", "Зеленая долина", "Green Valley", "#8fa68e"),
    party("Билим Жолу", "Путь знаний", "Way of Learning", "#a9a3bd"),
    party("Эмгек Үнү", "Голос труда", "Voice of Labour", "#b59a8a"),
    party("Айыл Күчү", "Сила села", "Strength of the Village", "#9aa3a0"),
    party("Туруктуу Кадам", "Твердый шаг", "Steady Step", "#8c9bb0"),
    party("Кербен Жолу", "Путь каравана", "Caravan Road", "#c2b48f"),
    party("Шаар Достору", "Друзья города", "Friends of the City", "#b39aa6"),
    party("Ачык Терезе", "Открытое окно", "Open Window", "#94b3b8"),
    party("Кут Түндүк", "Благой тундук", "Blessed Tündük", "#a8926f"),
    party("Жети Жылдыз", "Семь звезд", "Seven Stars", "#7f8791"),
    party("Тынч Суу", "Тихая вода", "Still Water", "#aeb8a2"),
];

/// Colour of "against all".
pub(crate) const AGAINST_ALL_COLOR: &str = "#6b6f76";

/// "Against all" (DOMAIN, "On screen").
pub(crate) fn against_all() -> Names {
    Names {
        ky: "Баарына каршы".into(), ru: "Против всех".into(), en: "Against all".into()
    }
}
