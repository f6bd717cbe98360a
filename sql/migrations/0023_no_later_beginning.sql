-- Part of core.compare_master now: a key that only a replaced file of a day had begins with the next file that has it
drop procedure if exists core.begin_later(text, date, timestamptz);
