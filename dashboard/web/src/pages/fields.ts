import type { Name } from '../feed/types';

/** A field of the published JSON, where it stands, and what it means in each language. */
export interface Field {
  path: string;
  meaning: Name;
}

const field = (path: string, ky: string, ru: string, en: string): Field => ({ path, meaning: { ky, ru, en } });

/** Every field of a snapshot, in the order in which it stands there. A test holds this list to what the server sends. */
export const FIELDS: Field[] = [
  field('epoch', 'Кызматтын бир иштөө мөөнөтү; кайра башталганда жаңы', 'Один запуск службы; при перезапуске новый', 'One run of the service; new after a restart'),
  field('version', 'Версиянын номери, бир эпохада өсөт', 'Номер версии, растёт в пределах эпохи', 'Number of the version, rising within an epoch'),
  field('generated_at', 'Версия түзүлгөн учур (UTC)', 'Когда версия составлена (UTC)', 'When the version was cut (UTC)'),
  field('election', 'Шайлоонун белгиси', 'Идентификатор выборов', 'Id of the election'),
  field('test', 'Тесттик маалымат', 'Тестовые данные', 'Whether it is a simulation'),
  field('speed', 'Убакыт канча эсе тез жүрөт; чыныгы шайлоодо 1', 'Во сколько раз быстрее идёт время; на настоящих выборах 1', 'How fast time runs; 1 except in a simulation'),
  field('status', 'Бүт өлкөнүн абалы: pre, open, counting, complete, certified', 'Состояние страны: pre, open, counting, complete, certified', 'State of the country: pre, open, counting, complete, certified'),
  field('embargo_until', 'Добуштар ушул учурга чейин жарыяланбайт; андан кийин талаа жок', 'До этого момента голоса не публикуются; потом поля нет', 'No votes are published before; absent afterwards'),
  field('stalled_since', 'Жарыялоо качантан бери токтоп турат; адатта жок', 'С какого времени стоит публикация; обычно нет', 'Since when publication stands still; absent while all is well'),
  field('units[].id', 'Аймактын белгиси: country, region:osh, precinct:5123', 'Идентификатор территории: country, region:osh, precinct:5123', 'Id of the unit: country, region:osh, precinct:5123'),
  field('units[].kind', 'Түрү: country, abroad, region, raion, district, precinct', 'Вид: country, abroad, region, raion, district, precinct', 'Kind: country, abroad, region, raion, district, precinct'),
  field('units[].parent', 'Кайсы аймактын бөлүгү', 'Частью чего является', 'What it is part of'),
  field('units[].phase', 'Абалы: pre, open, counting, reported, certified, annulled', 'Состояние: pre, open, counting, reported, certified, annulled', 'State: pre, open, counting, reported, certified, annulled'),
  field('units[].precincts', 'Участкалардын саны', 'Число участков', 'How many precincts'),
  field('units[].registered', 'Тизмедеги шайлоочулар', 'Избиратели в списках', 'Voters on the lists'),
  field('units[].reported.precincts', 'Бардык шайлоо боюнча маалымат түшкөн участкалар', 'Участки, данные которых поступили по всем выборам', 'Precincts that have reported in every contest'),
  field('units[].reported.registered', 'Алардын тизмесиндеги шайлоочулар', 'Избиратели в их списках', 'Voters on their lists'),
  field('units[].turnout.identified', 'Идентификациядан өткөн шайлоочулар', 'Идентифицированные избиратели', 'Voters identified'),
  field('units[].turnout.precincts', 'Катышууну билдирген участкалар', 'Участки, сообщившие явку', 'Precincts that have sent any turnout'),
  field('units[].turnout.registered', 'Алардын тизмесиндеги шайлоочулар: катышуу пайызынын негизи', 'Избиратели в их списках: основа процента явки', 'Voters on their lists: what turnout is a share of'),
  field('units[].contests.{id}.precincts', 'Бул шайлоо өткөн участкалар', 'Участки, где идут эти выборы', 'Precincts that vote in this contest'),
  field('units[].contests.{id}.registered', 'Бул шайлоодо добуш бере алгандар', 'Кто может голосовать на этих выборах', 'Voters who may vote in it'),
  field('units[].contests.{id}.urns', 'Урналар эсептегени: алдын ала жыйынтык', 'Подсчитано урнами: предварительный итог', 'What the urns counted: preliminary'),
  field('units[].contests.{id}.protocols', 'Кол менен эсептелгени: комиссиялардын протоколдору', 'Подсчитано вручную: протоколы комиссий', 'What was counted by hand: the commissions’ protocols'),
  field('….precincts', 'Ушул булак боюнча толук билдирген участкалар', 'Участки, полностью сообщившие по этому источнику', 'Precincts that have reported to this source'),
  field('….registered', 'Алардагы шайлоочулар', 'Избиратели на них', 'Voters there'),
  field('….ballots', 'Бюллетендер, жарактуу жана жараксыз', 'Бюллетени, действительные и недействительные', 'Ballots, valid and invalid'),
  field('….invalid', 'Алардын ичинен жараксыздары', 'Из них недействительные', 'Of them invalid'),
  field('….votes.{id}', 'Ар бир партиянын же талапкердин добуштары', 'Голоса каждой партии или кандидата', 'Votes of each party or candidate'),
  field('units[].quarantined', 'Текшерүүгө калтырылган билдирүүлөр', 'Сообщения, отложенные до проверки', 'Reports kept back for examination'),
  field('units[].discrepancies', 'Ачык дал келбестиктер', 'Открытые расхождения', 'Open discrepancies'),
  field('units[].updated_at', 'Аймактын сандары акыркы жолу өзгөргөн учур', 'Когда числа территории изменились последний раз', 'When a figure of the unit last changed'),
];
