"""Sheet music of solos: rhythm, spelling, transposition, MusicXML, pages. The report and `yardbird notation` use it."""
