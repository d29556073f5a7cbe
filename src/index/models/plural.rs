//! What is the plural of an English word, as table names have it?

/// Words whose plural is the word itself.
const SAME: &[&str] = &[
    "advice",
    "aircraft",
    "art",
    "audio",
    "baggage",
    "bison",
    "bream",
    "breeches",
    "britches",
    "buffalo",
    "butter",
    "cantus",
    "carp",
    "chassis",
    "clippers",
    "clothing",
    "coal",
    "cod",
    "coitus",
    "commerce",
    "compensation",
    "contretemps",
    "coreopsis",
    "corps",
    "cotton",
    "data",
    "debris",
    "deer",
    "diabetes",
    "djinn",
    "education",
    "eland",
    "elk",
    "emoji",
    "equipment",
    "evidence",
    "feedback",
    "fish",
    "flounder",
    "flour",
    "food",
    "furniture",
    "gallows",
    "gold",
    "hardware",
    "headquarters",
    "herpes",
    "hijinks",
    "homework",
    "impatience",
    "information",
    "innings",
    "jackanapes",
    "jeans",
    "jedi",
    "kin",
    "knowledge",
    "leather",
    "love",
    "luggage",
    "mackerel",
    "management",
    "media",
    "metadata",
    "mews",
    "money",
    "moose",
    "mumps",
    "music",
    "news",
    "nexus",
    "nutrition",
    "offspring",
    "oil",
    "patience",
    "people",
    "pincers",
    "plankton",
    "pliers",
    "pokemon",
    "police",
    "polish",
    "proceedings",
    "progress",
    "rabies",
    "rain",
    "recommended",
    "related",
    "research",
    "rhinoceros",
    "rice",
    "salmon",
    "sand",
    "scissors",
    "series",
    "shears",
    "sheep",
    "siemens",
    "silk",
    "sms",
    "soap",
    "software",
    "spam",
    "species",
    "staff",
    "sugar",
    "swine",
    "talent",
    "toothpaste",
    "traffic",
    "travel",
    "trousers",
    "trout",
    "tuna",
    "us",
    "vinegar",
    "weather",
    "wheat",
    "whiting",
    "wildebeest",
    "wood",
    "wool",
];

/// Endings of words whose plural is the word itself.
const SAME_ENDINGS: &[&str] = &["nese", "rese", "lese", "mese", "deer", "fish", "measles", "ois", "pox", "sheep"];

/// Words that follow no rule.
const IRREGULAR: &[(&str, &str)] = &[
    ("abuse", "abuses"),
    ("alga", "algae"),
    ("atlas", "atlases"),
    ("avalanche", "avalanches"),
    ("axe", "axes"),
    ("axis", "axes"),
    ("beef", "beefs"),
    ("blouse", "blouses"),
    ("brother", "brothers"),
    ("brownie", "brownies"),
    ("cache", "caches"),
    ("cafe", "cafes"),
    ("canvas", "canvases"),
    ("cave", "caves"),
    ("chateau", "chateaux"),
    ("chef", "chefs"),
    ("child", "children"),
    ("cookie", "cookies"),
    ("corpus", "corpuses"),
    ("cow", "cows"),
    ("criterion", "criteria"),
    ("curriculum", "curricula"),
    ("curve", "curves"),
    ("datum", "data"),
    ("demo", "demos"),
    ("domino", "dominoes"),
    ("echo", "echoes"),
    ("emphasis", "emphases"),
    ("epoch", "epochs"),
    ("foe", "foes"),
    ("foot", "feet"),
    ("fungus", "fungi"),
    ("ganglion", "ganglions"),
    ("gas", "gases"),
    ("genie", "genies"),
    ("genus", "genera"),
    ("glove", "gloves"),
    ("goose", "geese"),
    ("grave", "graves"),
    ("half", "halves"),
    ("hero", "heroes"),
    ("hippopotamus", "hippopotami"),
    ("hoax", "hoaxes"),
    ("hoof", "hoofs"),
    ("human", "humans"),
    ("iris", "irises"),
    ("larva", "larvae"),
    ("leaf", "leaves"),
    ("lens", "lenses"),
    ("loaf", "loaves"),
    ("man", "men"),
    ("medium", "media"),
    ("memorandum", "memoranda"),
    ("mongoose", "mongooses"),
    ("motto", "mottoes"),
    ("move", "moves"),
    ("mythos", "mythoi"),
    ("neurosis", "neuroses"),
    ("niche", "niches"),
    ("niveau", "niveaux"),
    ("nucleus", "nuclei"),
    ("numen", "numina"),
    ("oasis", "oases"),
    ("occiput", "occiputs"),
    ("octopus", "octopuses"),
    ("opus", "opuses"),
    ("ox", "oxen"),
    ("passerby", "passersby"),
    ("person", "people"),
    ("plateau", "plateaux"),
    ("runner-up", "runners-up"),
    ("safe", "safes"),
    ("save", "saves"),
    ("sex", "sexes"),
    ("sieve", "sieves"),
    ("soliloquy", "soliloquies"),
    ("stimulus", "stimuli"),
    ("syllabus", "syllabi"),
    ("testis", "testes"),
    ("thief", "thieves"),
    ("tooth", "teeth"),
    ("tornado", "tornadoes"),
    ("trilby", "trilbys"),
    ("turf", "turfs"),
    ("valve", "valves"),
    ("volcano", "volcanoes"),
    ("wave", "waves"),
    ("zombie", "zombies"),
];

/// Endings and what replaces them, first match wins. The third part must stand before the ending, if any is given.
const RULES: &[(&str, &str)] = &[
    ("status", "statuses"),
    ("quiz", "quizzes"),
    ("mouse", "mice"),
    ("louse", "lice"),
    ("matrix", "matrices"),
    ("matrex", "matrices"),
    ("vertix", "vertices"),
    ("vertex", "vertices"),
    ("indix", "indices"),
    ("index", "indices"),
    ("x", "xes"),
    ("ch", "ches"),
    ("ss", "sses"),
    ("sh", "shes"),
];

/// Stems of words in `-us` with a Latin plural.
const LATIN_US: &[&str] = &["alumn", "bacill", "cact", "foc", "fung", "nucle", "radi", "stimul", "syllab", "termin", "vir"];

/// The plural of a lower-case word.
pub(super) fn plural(word: &str) -> String {
    if let Some((_, plural)) = IRREGULAR.iter().find(|(one, _)| *one == word) {
        return (*plural).to_owned();
    }
    if IRREGULAR.iter().any(|(_, many)| *many == word) {
        return word.to_owned();
    }
    if SAME.contains(&word) || SAME_ENDINGS.iter().any(|e| word.ends_with(e)) {
        return word.to_owned();
    }
    for (ending, plural) in RULES {
        if let Some(stem) = word.strip_suffix(ending) {
            return format!("{stem}{plural}");
        }
    }
    if let Some(stem) = word.strip_suffix('y')
        && (stem.ends_with("qu") || !stem.ends_with(['a', 'e', 'i', 'o', 'u', 'y']))
        && !stem.is_empty()
    {
        return format!("{stem}ies");
    }
    if word.ends_with("hive") || word.ends_with("gulf") {
        return format!("{word}s");
    }
    if let Some(stem) = word.strip_suffix("fe")
        && !stem.ends_with('f')
        && !stem.is_empty()
    {
        return format!("{stem}ves");
    }
    if let Some(stem) = word.strip_suffix('f')
        && stem.ends_with(['l', 'r'])
    {
        return format!("{stem}ves");
    }
    let swaps: &[(&str, &str)] = &[
        ("sis", "ses"),
        ("tum", "ta"),
        ("ium", "ia"),
        ("taxon", "taxa"),
        ("criterion", "criteria"),
        ("person", "people"),
        ("man", "men"),
        ("child", "children"),
        ("foot", "feet"),
        ("buffalo", "buffaloes"),
        ("hero", "heroes"),
        ("potato", "potatoes"),
        ("tomato", "tomatoes"),
        ("volcano", "volcanoes"),
    ];
    for (ending, plural) in swaps {
        if let Some(stem) = word.strip_suffix(ending) {
            return format!("{stem}{plural}");
        }
    }
    if let Some(stem) = word.strip_suffix("us") {
        return if LATIN_US.iter().any(|l| stem.ends_with(l)) { format!("{stem}i") } else { format!("{word}es") };
    }
    if word.ends_with("alias") {
        return format!("{word}es");
    }
    for ending in ["analysis", "axis", "crisis", "testis", "thesis"] {
        if word.ends_with(ending) {
            return format!("{}es", &word[..word.len() - 2]);
        }
    }
    if word.ends_with('s') { word.to_owned() } else { format!("{word}s") }
}

/// The word of which a lower-case word is the plural, if it looks like one.
pub(crate) fn singular(word: &str) -> Option<String> {
    let stem = |ending: &str| word.strip_suffix(ending).filter(|stem| stem.len() > 1);
    let likely = [stem("ies").map(|s| format!("{s}y")), stem("es").map(str::to_owned), stem("s").map(str::to_owned)];
    likely.into_iter().flatten().find(|one| one != word && plural(one) == word)
}

#[cfg(test)]
mod tests {
    use super::{plural, singular};

    #[test]
    fn words_have_their_singular() {
        for (many, one) in [("projects", "project"), ("companies", "company"), ("addresses", "address"), ("boxes", "box")] {
            assert_eq!(singular(many).as_deref(), Some(one));
        }
        assert_eq!(singular("staff"), None);
    }

    #[test]
    fn words_have_their_plural() {
        let pairs = "post posts category categories profile profiles person people child children status statuses \
            address addresses analysis analyses criterion criteria datum data data data media media news news \
            series series staff staff equipment equipment information information feedback feedback knowledge knowledge \
            evidence evidence traffic traffic audio audio furniture furniture sheep sheep fish fish moose moose \
            money money hardware hardware software software jedi jedi mouse mice leaf leaves wife wives index indices \
            matrix matrices radius radii virus viri hero heroes photo photos quiz quizzes tax taxes taxi taxis gas gases \
            alias aliases bus buses bonus bonuses campus campuses census censuses menu menus key keys day days \
            policy policies movie movies cookie cookies cafe cafes schema schemas library libraries";
        let words: Vec<&str> = pairs.split_whitespace().collect();
        for pair in words.chunks(2) {
            assert_eq!(plural(pair[0]), pair[1], "{}", pair[0]);
        }
    }
}
