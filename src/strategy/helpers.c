/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/helpers.h"

#define USES(helper) (1ULL << HELPER_##helper)

static const struct {
    uint64_t uses;
    const char *source;
} helpers[HELPERS] = {
    [HELPER_AT] = { 0,
                    "// Each statement says where it stands; past the budget the run is stopped.\n"
                    "function at(line) {\n"
                    "  run.line = line;\n"
                    "  run.steps += 1;\n"
                    "  if (run.steps > limits.steps) {\n"
                    "    throw new Error('more than ' + limits.steps + ' statements in one run');\n"
                    "  }\n"
                    "}\n" },
    [HELPER_GET] = { 0, "// A missing key is an empty text.\n"
                        "function get(pairs, key) {\n"
                        "  var value;\n"
                        "  if (pairs === null || typeof pairs !== 'object') { return ''; }\n"
                        "  value = Object.prototype.hasOwnProperty.call(pairs, key) ? pairs[key] : "
                        "'';\n"
                        "  return value === null || value === undefined ? '' : value;\n"
                        "}\n" },
    [HELPER_TEXT] = { 0, "function text(value) {\n"
                         "  if (value === null || value === undefined) { return ''; }\n"
                         "  return typeof value === 'object' ? JSON.stringify(value) : "
                         "String(value);\n"
                         "}\n" },
    [HELPER_NUMBER] = { USES(TEXT),
                        "// 12, '12', '2026-03-01 09:30:00' as seconds since 1970; else NaN.\n"
                        "function number(value) {\n"
                        "  var parts;\n"
                        "  if (typeof value === 'number') { return value; }\n"
                        "  value = text(value);\n"
                        "  if (/^-?[0-9]+([.][0-9]+)?$/.test(value)) { return Number(value); }\n"
                        "  if (value.length > 40) { return NaN; }\n"
                        "  parts = /^([0-9]{4})-([0-9]{2})-([0-9]{2})[ T]([0-9]{2}):([0-9]{2}):"
                        "([0-9]{2})([.][0-9]+)?Z?$/\n"
                        "    .exec(value);\n"
                        "  return parts === null ? NaN : Date.UTC(parts[1], parts[2] - 1, "
                        "parts[3], "
                        "parts[4], parts[5], parts[6]) / 1000;\n"
                        "}\n" },
    [HELPER_AMOUNT] = { USES(TEXT) | USES(NUMBER),
                        "// For arithmetic: an empty text is 0, what is no number is an error.\n"
                        "function amount(value) {\n"
                        "  var count = text(value) === '' ? 0 : number(value);\n"
                        "  if (isNaN(count)) { throw new Error('\"' + text(value) + '\" is no "
                        "number'); }\n"
                        "  return count;\n"
                        "}\n" },
    [HELPER_TRUTH] = { USES(TEXT), "function truth(value) {\n"
                                   "  value = text(value).toLowerCase();\n"
                                   "  return value !== '' && value !== '0' && value !== 'false';\n"
                                   "}\n" },
    [HELPER_SAME] = { USES(TEXT) | USES(NUMBER),
                      "// As numbers where both are, else as texts.\n"
                      "function same(a, b) {\n"
                      "  var x = number(a), y = number(b);\n"
                      "  return isNaN(x) || isNaN(y) ? text(a) === text(b) : x === y;\n"
                      "}\n" },
    [HELPER_ORDER] = { USES(TEXT) | USES(NUMBER),
                       "// Below 0: a comes before b. As numbers where both are, else as texts.\n"
                       "function order(a, b) {\n"
                       "  var x = number(a), y = number(b);\n"
                       "  if (!isNaN(x) && !isNaN(y)) { return x - y; }\n"
                       "  x = text(a);\n"
                       "  y = text(b);\n"
                       "  return x < y ? -1 : x > y ? 1 : 0;\n"
                       "}\n" },
    [HELPER_PLUS] = { USES(TEXT) | USES(NUMBER),
                      "// Adds numbers, and joins what is none; beside a number an empty text is "
                      "0.\n"
                      "function plus(a, b) {\n"
                      "  var x = text(a) === '' ? 0 : number(a), y = text(b) === '' ? 0 : "
                      "number(b);\n"
                      "  if (text(a) === '' && text(b) === '') { return ''; }\n"
                      "  return isNaN(x) || isNaN(y) ? text(a) + text(b) : x + y;\n"
                      "}\n" },
    [HELPER_DIVIDE] = { 0, "function divide(a, b) {\n"
                           "  if (b === 0) { throw new Error('division by zero'); }\n"
                           "  return a / b;\n"
                           "}\n" },
    [HELPER_REST] = { 0, "function rest(a, b) {\n"
                         "  if (b === 0) { throw new Error('division by zero'); }\n"
                         "  return a % b;\n"
                         "}\n" },
    [HELPER_MATCHES] = { 0, "// One step of the pattern's table for each character of the text.\n"
                            "function matches(text, pattern) {\n"
                            "  var state = 0, i = 0, code, low, high, middle;\n"
                            "  while (i < text.length && state >= 0 && state !== pattern.found) {\n"
                            "    code = text.charCodeAt(i);\n"
                            "    i += 1;\n"
                            "    if (code >= 0xD800 && code < 0xDC00 && i < text.length) {\n"
                            "      code = (code - 0xD800) * 0x400 + text.charCodeAt(i) - 0xDC00 + "
                            "0x10000;\n"
                            "      i += 1;\n"
                            "    }\n"
                            "    low = 0;\n"
                            "    high = pattern.from.length - 1;\n"
                            "    while (low < high) {\n"
                            "      middle = (low + high + 1) >> 1;\n"
                            "      if (pattern.from[middle] <= code) { low = middle; } else { high "
                            "= middle - 1; }\n"
                            "    }\n"
                            "    state = pattern.next[state][pattern.kind[low]];\n"
                            "  }\n"
                            "  return state >= 0 && pattern.match[state] === 1;\n"
                            "}\n" },
    [HELPER_NOW] = { 0, "// Seconds since 1970.\n"
                        "function now() {\n"
                        "  return Math.floor(new Date().getTime() / 1000);\n"
                        "}\n" },
    [HELPER_LOCAL] = { 0,
                       "// The time in the zone of the strategy, as a date in UTC; clock.offsets: "
                       "[from this\n"
                       "// moment on (ms), minutes east of UTC], in order.\n"
                       "function local() {\n"
                       "  var moment = new Date().getTime(), minutes = 0, i;\n"
                       "  for (i = 0; i < clock.offsets.length; i += 1) {\n"
                       "    if (clock.offsets[i][0] <= moment) { minutes = clock.offsets[i][1]; }\n"
                       "  }\n"
                       "  return new Date(moment + minutes * 60000);\n"
                       "}\n" },
    [HELPER_HOUR] = { USES(LOCAL), "function hour() {\n"
                                   "  return local().getUTCHours();\n"
                                   "}\n" },
    [HELPER_WEEKDAY] = { USES(LOCAL), "// 1 is Monday, 7 is Sunday.\n"
                                      "function weekday() {\n"
                                      "  return local().getUTCDay() || 7;\n"
                                      "}\n" },
    [HELPER_MOMENT] = { USES(TEXT) | USES(NUMBER),
                        "// What ScheduledAt wants: 'YYYY-MM-DD HH:MM:SS', in UTC.\n"
                        "function moment(value) {\n"
                        "  var seconds = number(value);\n"
                        "  if (isNaN(seconds)) { return text(value); }\n"
                        "  return new Date(seconds * 1000).toISOString().replace('T', ' ')"
                        ".slice(0, 19);\n"
                        "}\n" },
    [HELPER_LATER] = { USES(MOMENT) | USES(NOW), "function later(seconds) {\n"
                                                 "  return moment(now() + seconds);\n"
                                                 "}\n" },
    [HELPER_SET] = { 0,
                     "// Changes of the interaction's data wait for the next effect.\n"
                     "function set(key, value) {\n"
                     "  data[key] = value;\n"
                     "  run.changed[key] = value;\n"
                     "  run.deleted = run.deleted.filter(function (other) { return other !== key; "
                     "});\n"
                     "  run.pending = true;\n"
                     "}\n" },
    [HELPER_REMOVE] = { 0, "function remove(key) {\n"
                           "  delete data[key];\n"
                           "  delete run.changed[key];\n"
                           "  if (run.deleted.indexOf(key) < 0) { run.deleted.push(key); }\n"
                           "  run.pending = true;\n"
                           "}\n" },
    [HELPER_WRITTEN] = { 0, "function written() {\n"
                            "  run.changed = {};\n"
                            "  run.deleted = [];\n"
                            "  run.properties = {};\n"
                            "  run.pending = false;\n"
                            "}\n" },
    [HELPER_RANK] = { 0, "// The interaction's priority, and how it grows while it waits.\n"
                         "function rank(priority, raise) {\n"
                         "  run.priority = priority;\n"
                         "  run.raise = raise;\n"
                         "  run.properties.Priority = priority;\n"
                         "  run.pending = true;\n"
                         "}\n" },
    [HELPER_RAISE] = { 0, "function raise() {\n"
                          "  if (run.priority < run.raise.max) {\n"
                          "    run.priority = Math.min(run.priority + run.raise.add, "
                          "run.raise.max);\n"
                          "  }\n"
                          "}\n" },
    [HELPER_MINE] = { USES(GET), "// The answer to what was asked last.\n"
                                 "function mine(event) {\n"
                                 "  return get(event.data, 'requestid') === run.request;\n"
                                 "}\n" },
    [HELPER_OURS] = { USES(GET), "function ours(event) {\n"
                                 "  var id = get(event.data, 'interactionid');\n"
                                 "  return id === '' || id === ixn.InteractionId;\n"
                                 "}\n" },
    [HELPER_FAULT] = { USES(GET),
                       "// An error of what runs now, not of a request that was given up.\n"
                       "function fault(event) {\n"
                       "  var id = get(event.data, 'requestid');\n"
                       "  return id === '' || id === run.request || id === run.write;\n"
                       "}\n" },
    [HELPER_REASON] = { USES(GET) | USES(TEXT), "function reason(event) {\n"
                                                "  var words = [text(get(event.data, 'error')), "
                                                "text(get(event.data, 'description'))];\n"
                                                "  return words.filter(function (word) { return "
                                                "word !== ''; }).join(': ') || "
                                                "event.name;\n"
                                                "}\n" },
    [HELPER_ENDING] = { USES(GET) | USES(REMOVE),
                        "// A run that came to its end: no errors in a row any more.\n"
                        "function ending() {\n"
                        "  if (get(data, 'StrategyErrorCount') !== '') { "
                        "remove('StrategyErrorCount'); }\n"
                        "}\n" },
    [HELPER_FAILING] = { USES(GET) | USES(NUMBER) | USES(SET),
                         "function failing() {\n"
                         "  set('StrategyError', _name + ', line ' + run.line + ': ' + "
                         "run.error);\n"
                         "  set('StrategyErrorCount', (number(get(data, 'StrategyErrorCount')) || "
                         "0) + 1);\n"
                         "}\n" },
    [HELPER_GIVEN_BACK] = { USES(GET), "// The agent did not take it: it is in its queue again.\n"
                                       "function given_back(event) {\n"
                                       "  var error = get(event.data, 'error');\n"
                                       "  return error === 'rejected' || error === 'timeout';\n"
                                       "}\n" },
    [HELPER_SCREENED] = { USES(GET) | USES(TRUTH) | USES(SET) | USES(TEXT),
                          "// The first screening rule that matched.\n"
                          "function screened(content) {\n"
                          "  var rules = get(content, 'rules'), found = { matched: false, rule: "
                          "'', id: '' }, i;\n"
                          "  for (i = 0; i < rules.length && !found.matched; i += 1) {\n"
                          "    if (truth(get(rules[i], 'ScreenRuleMatch'))) {\n"
                          "      found = { matched: true, rule: text(get(rules[i], "
                          "'ScreenRuleName')), id: "
                          "text(get(rules[i], 'Id')) };\n"
                          "    }\n"
                          "  }\n"
                          "  set('ScreenRuleMatch', found.matched ? 'True' : 'False');\n"
                          "  set('ScreenRuleName', found.rule);\n"
                          "  set('Id', found.id);\n"
                          "  return found;\n"
                          "}\n" },
    [HELPER_CLASSIFIED] = { USES(GET) | USES(SET) | USES(NUMBER) | USES(TEXT),
                            "// The best category, if it is relevant enough.\n"
                            "function classified(content, least) {\n"
                            "  var best = get(get(content, 'categories'), 0), relevance = "
                            "number(get(best, "
                            "'relevancy')) || 0;\n"
                            "  if (best === '' || relevance < least) { return { category: '', "
                            "relevance: relevance }; "
                            "}\n"
                            "  set('CategoryId', get(best, 'id'));\n"
                            "  return { category: text(get(best, 'name')), relevance: relevance "
                            "};\n"
                            "}\n" },
    [HELPER_BELOW] = { 0, "// The run goes on in a subroutine.\n"
                          "function below() {\n"
                          "  if (run.depth >= limits.calls) {\n"
                          "    throw new Error('more than ' + limits.calls + ' calls in each "
                          "other');\n"
                          "  }\n"
                          "  run.depth += 1;\n"
                          "}\n" },
    [HELPER_ABOVE] = { 0, "function above(child) {\n"
                          "  child.depth -= 1;\n"
                          "  return child;\n"
                          "}\n" },
};

static uint64_t with_needs(uint64_t used)
{
    for (uint64_t before = 0; before != used;) {
        before = used;
        for (size_t i = 0; i < HELPERS; i++)
            if (used >> i & 1) used |= helpers[i].uses;
    }
    return used;
}

static void print_indented(struct buf *out, struct text source, uint32_t indent)
{
    struct text line;
    while (text_cut(source, '\n', &line, &source)) {
        for (uint32_t i = 0; i < indent; i++) buf_add_byte(out, ' ');
        buf_add(out, line);
        buf_add_byte(out, '\n');
    }
}

void helpers_print(struct buf *out, uint64_t used, uint32_t indent)
{
    used = with_needs(used);
    for (size_t i = 0; i < HELPERS; i++)
        if (used >> i & 1) print_indented(out, text_of(helpers[i].source), indent);
}
