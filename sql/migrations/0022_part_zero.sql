-- A part with the number 0 is marked as a part (core.source_part), no longer as a whole year.

comment on column core.sale_line.source_part is 'Part of the yearly file that owns the line: 0 the whole-year file, N part N, -2 part 0, -1 a daily delta.';
comment on column core.sale_line_superseded.source_part is 'Part of the yearly file that owns the line: 0 the whole-year file, N part N, -2 part 0, -1 a daily delta.';
comment on column core.sale_line_waiting.source_part is 'Part of the yearly file that owns the line: 0 the whole-year file, N part N, -2 part 0, -1 a daily delta.';
