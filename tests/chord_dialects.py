"""The chord vocabularies of four programs, as their documentation lists them, on the root C.

Band-in-a-Box: its page of recognised chords; iReal Pro: the keyboard of its editor; MuseScore: its standard and jazz
chord styles; Harte: the shorthands of the paper and of JAMS, with degrees as data sets of chord annotations use them.
"""

IREAL = """C C5 C2 Cadd9 C+ Co Ch Csus C^ C- C^7 C-7 C7 C7sus Ch7 Co7 C^9 C^13 C6 C69 C^7#11 C^9#11 C^7#5 C-6 C-69
C-^7 C-^9
C-9 C-11 C-7b5 Ch9 C-b6 C-#5 C9 C7b9 C7#9 C7#11 C7b5 C7#5 C9#11 C9b5 C9#5 C7b13 C7#9#5 C7#9b5 C7#9#11 C7b9#11 C7b9b5
C7b9#5 C7b9#9 C7b9b13 C7alt C13 C13#11 C13b9 C13#9 C7b9sus C7susadd3 C9sus C13sus C7b13sus C11 C7/E C-7/Bb Bb^7/A"""

BAND_IN_A_BOX = """C Cmaj C6 Cmaj7 Cmaj9 Cmaj13 C69 Cmaj7#5 C5b Caug C+ Cmaj9#11 Cmaj13#11 Cm Cm6 Cm7 Cm9 Cm11 Cm13
Cmaug
Cm#5 CmMaj7 Cm7b5 Cm7#5 Cdim Cdim5 Cdim7 C7 C7+ C9+ C13+ C13 C7b13 C7#11 C13#11 C7#11b13 C9 C9b13 C9#11 C9#11b13 C7b9
C13b9 C7b9b13 C7b9#11 C13b9#11 C7b9#11b13 C7#9 C13#9 C7#9b13 C13#9#11 C7#9#11b13 C7b5 C13b5 C7b5b13 C9b5 C9b5b13
C7b5b9
C13b5b9 C7b5b9b13 C7b5#9 C13b5#9 C7b5#9b13 C7#5 C13#5 C7#5#11 C13#5#11 C9#5 C9#5#11 C7#5b9 C13#5b9 C7#5b9#11
C13#5b9#11
C7#5#9 C13#5#9#11 C7#5#9#11 Csus C7sus C9sus C13sus C7susb13 C7sus#11 C13sus#11 C7sus#11b13 C9susb13 C9sus#11
C9sus#11b13
C7susb9 C13susb9 C7susb9b13 C7susb9#11 C13susb9#11 C7susb9#11b13 C7sus#9 C13sus#9 C7sus#9b13 C13sus#9#11 C7sus#9#11b13
C7susb5 C13susb5 C7susb5b13 C9susb5 C7susb5b9 C13susb5b9 C7susb5b9b13 C7susb5#9 C7susb5#9b13 C7sus#5 C13sus#5
C7sus#5#11
C9sus#5 C7sus#5b9 C13sus#5b9 C7sus#5#9 C13sus#5#9#11 Cadd2 Cmadd2 C2 C4 C7alt C-7 C7-9 C7/E"""

MUSESCORE = """C CMa Cmaj CM C^ CMaj7 CM7 Cma7 C^7 CMaj9 CMa9 CM9 C^9 CMaj13 CMa13 CM13 C^13 C6 C6/9 C69 C6add9 Cadd9
C(add9) C2 Cadd2
C5 CMaj7#11 CMaj7(#11) CMa7b5 CMa7#5 CMa9#11 CMa13#11 Cmaj7add13 C+ Caug C(#5) C+7 Caug7 C7#5 C+Maj7 Cm Cmi Cmin C-
Cm6
Cmi6 C-6 Cm69 Cm6/9 Cm7 Cmi7 Cmin7 C-7 Cm9 Cmi9 C-9 Cm11 Cmi11 C-11 Cm13 Cmi13 C-13 Cmmaj7 Cm(maj7) CmMa7 Cmi(Ma7)
CmMaj7
C-(maj7) CmMaj9 Cm(Ma9) CmMa13 Cm(add9) Cmadd9 Cm7b5 Cmi7b5 C-7b5 Cm7(b5) Cm9b5 Cm11b5 Cm7add11 Cm7add13 Cm7#5 Cm+ C0
C07 C0Maj7
Cdim Co C° Cdim7 Co7 C°7 CoMaj7 CdimMaj7 Cø Cø7 C7 C9 C13 C7b9 C7(b9) C7#9 C7(#9) C7b5 C7(b5) C7#5b9 C7#5#9 C7b5b9
C7b5#9
C7b9#9 C7(b9,#11) C7(b9,b13) C7#11 C9#11 C13#11 C7b13 C9b13 C7b9b13 C7#9b13 C13b9 C13#9 C13b5 C9b5 C9#5 C7alt Calt
C7add13
Csus Csus4 Csus2 C7sus C7sus4 C9sus C9sus4 C13sus C13sus4 C7susb9 C13susb9 C7susb13 Cm7sus4 CMaj7sus4 C7no3 C5/G Cno5
C7omit5
CLyd CMaj7Lyd C7(Blues) CMaj9(no3) CPhryg Ct7 C7/G Cm/Eb"""

HARTE = """C:maj C:min C:dim C:aug C:maj7 C:min7 C:7 C:dim7 C:hdim7 C:minmaj7 C:maj6 C:min6 C:9 C:maj9 C:min9 C:sus4
C:sus2 C:11
C:maj11 C:min11 C:13 C:maj13 C:min13 C:1 C:5 C:aug7 C:(1) C:(1,5) C:(3,5) C:(b3,5) C:(1,b3,5,9) C:(b3,b5,b7,b9)
C:maj(9)
C:maj(2) C:maj(4) C:maj(11) C:maj(*3) C:maj(*5) C:maj6(9) C:maj(b7) C:maj7(#11) C:maj7(*5) C:maj7(b5) C:maj7(13)
C:min(9)
C:min(2) C:min(4) C:min(*b3) C:min(*5) C:min(*5,b6) C:min7(4) C:min7(11) C:min7(*5) C:min7(b13) C:min(b7) C:min6(9)
C:7(b9)
C:7(#9) C:7(13) C:7(#11) C:7(b13) C:7(*3) C:7(*5,13) C:7(b5,b9) C:sus4(b7) C:sus4(2) C:sus4(b7,9) C:sus4(b7,9,13)
C:sus2(b7)
C:9(*3) C:9(11) C:9(*3,11) C:9(13) C:dim(b7) C:hdim7(9) C:aug(b7) C:aug(9) C:maj/3 C:maj/5 C:maj/2 C:maj/b7 C:maj/7
C:min/b3
C:min/5 C:min7/b7 C:7/3 C:maj7/3 C:7/b7 C:maj(9)/3 C:dim7/b3 C:min7/11 C/3 C/5 C/b7 C:7/2 C C# Bb N X"""

DIALECTS = {"iReal Pro": IREAL, "Band-in-a-Box": BAND_IN_A_BOX, "MuseScore": MUSESCORE, "Harte": HARTE}
