/** The words of the table of elections, in the three languages side by side. */
export const archiveEn = {
  title: 'Archive of elections',
  intro: 'Every election that was counted here, the newest first. Those that are over keep their figures, precinct by precinct.',
  date: 'Date',
  name: 'Election',
  kind: 'Kind',
  voters: 'Voters',
  turnout: 'Turnout',
  precincts: 'Precincts',
  state: 'State',
  loading: 'Loading the table…',
  failed: 'The table could not be loaded.',
  kinds: {
    parliamentary: 'parliament',
    presidential: 'president',
    referendum: 'referendum',
    local: 'local councils',
    council: 'local councils',
  } as Record<string, string>,
};

export const archiveKy: typeof archiveEn = {
  title: 'Шайлоолордун архиви',
  intro: 'Бул жерде эсептелген ар бир шайлоо, акыркысы биринчи. Аяктагандарынын маалыматы ар бир участкага чейин сакталат.',
  date: 'Күнү',
  name: 'Шайлоо',
  kind: 'Түрү',
  voters: 'Шайлоочулар',
  turnout: 'Катышуу',
  precincts: 'Участкалар',
  state: 'Абалы',
  loading: 'Таблица жүктөлүүдө…',
  failed: 'Таблица жүктөлгөн жок.',
  kinds: {
    parliamentary: 'парламент',
    presidential: 'президент',
    referendum: 'референдум',
    local: 'жергиликтүү кеңештер',
    council: 'жергиликтүү кеңештер',
  },
};

export const archiveRu: typeof archiveEn = {
  title: 'Архив выборов',
  intro: 'Все выборы, подсчитанные здесь, последние первыми. У завершённых сохраняются данные до каждого участка.',
  date: 'Дата',
  name: 'Выборы',
  kind: 'Вид',
  voters: 'Избиратели',
  turnout: 'Явка',
  precincts: 'Участки',
  state: 'Состояние',
  loading: 'Таблица загружается…',
  failed: 'Таблица не загрузилась.',
  kinds: {
    parliamentary: 'парламент',
    presidential: 'президент',
    referendum: 'референдум',
    local: 'местные советы',
    council: 'местные советы',
  },
};
