"""Names of people as they live side by side in an Indian city, by region, so that families are believable."""

import random

import msgspec

__all__ = ["REGIONS", "Region", "one_of"]


class Region(msgspec.Struct, frozen=True):
    """Surnames and first names that go together; `share` is how often the region is met."""

    share: int
    surnames: tuple[str, ...]
    girls: tuple[str, ...]
    boys: tuple[str, ...]
    mothers: tuple[str, ...]
    fathers: tuple[str, ...]


def _region(share: int, surnames: str, girls: str, boys: str, mothers: str, fathers: str) -> Region:
    return Region(share, *(tuple(names.split()) for names in (surnames, girls, boys, mothers, fathers)))


REGIONS: dict[str, Region] = {
    "Maharashtra": _region(
        8, "Joshi Patil Jadhav Shinde Bhosale Gokhale Chavan Pawar Kale Sawant Phadke Thorat",
        "Sai Anushka Mrunal Tanvi Ketaki Isha Gauri Rutuja", "Atharva Soham Yash Tejas Aditya Omkar Pranav Varad",
        "Vaishali Manisha Swati Ujwala Rekha Smita", "Sanjay Prashant Mahesh Nilesh Dilip Sachin",
    ),
    "Gujarat": _region(
        3, "Patel Shah Mehta Desai Trivedi Parmar", "Khushi Dhwani Riya Hetvi Janki", "Harsh Dev Jay Meet Parth",
        "Hetal Bhavna Alpa Nita", "Hitesh Jignesh Bharat Ketan",
    ),
    "Hindi belt": _region(
        6, "Sharma Mishra Verma Tiwari Yadav Chauhan Saxena Gupta Pandey Rathore",
        "Ananya Shreya Palak Nidhi Muskan Kavya Aditi", "Aryan Shivam Utkarsh Kartik Ayush Divyansh Prakhar",
        "Sangeeta Kiran Neelam Archana Mamta", "Rajesh Manoj Sunil Vinod Alok",
    ),
    "Punjab": _region(
        3, "Gill Bedi Ahluwalia Arora Sandhu Chawla", "Simran Jasleen Gurleen Avneet", "Harman Arshdeep Jaskaran",
        "Rupinder Manpreet Amrit", "Gurpreet Balwinder Kuldeep",
    ),
    "Bengal": _region(
        3, "Mukherjee Banerjee Ghosh Sen Dutta Chatterjee", "Srija Titli Debolina",
        "Arnab Souvik Rishav Sagnik",
        "Moumita Sharmila Ruma", "Subrata Partha Amitava",
    ),
    "Odisha": _region(
        1, "Mohanty Panda Sahoo Das", "Subhashree Lipsa", "Biswajit Smruti", "Sasmita Itishree", "Prafulla Debasis"
    ),
    "Assam and Manipur": _region(
        1, "Borah Baruah Hazarika Singha", "Jyotishmita Barasha", "Hrishikesh Nayanjyoti", "Mitali Rima",
        "Pranjal Dipak",
    ),
    "Tamil Nadu": _region(
        3, "Subramanian Narayanan Venkatesan Raman Murugan", "Keerthana Harini Nila Yazhini",
        "Karthik Surya Ashwin Vignesh",
        "Meenakshi Revathi Gayathri", "Senthil Balaji Ganesan",
    ),
    "Andhra and Telangana": _region(
        3, "Reddy Naidu Chowdary Raju Varma", "Sahasra Lasya Hasini Sravya", "Charan Nikhil Sathvik Tarun",
        "Padmavathi Sirisha Lavanya", "Srinivas Ramesh Venkat",
    ),
    "Karnataka": _region(
        2, "Shetty Hegde Gowda Bhat Kamath", "Spoorthi Nandita Chaitra", "Chirag Darshan Sujay", "Shobha Sudha Vidya",
        "Manjunath Raghavendra Umesh",
    ),
    "Kerala": _region(
        2, "Menon Nair Kurian Varghese Pillai", "Anjana Aparna Diya Merin", "Abhijith Joel Gautham Rahul",
        "Sindhu Bindu Leena", "Biju Suresh Jacob",
    ),
    "Goa": _region(
        1, "Fernandes Pereira Noronha Mascarenhas", "Rochelle Sania Larissa", "Savio Aaron Ryan", "Philomena Sharon",
        "Agnelo Melwyn",
    ),
    "Deccan": _region(
        3, "Shaikh Ansari Pathan Sayyed Inamdar Qadri", "Zoya Aaliya Iqra Mahira", "Ayaan Faizan Zaid Rehan",
        "Shaheen Nasreen Rubina", "Salim Javed Asif",
    ),
    "Parsi": _region(1, "Daruwala Contractor Irani Mistry", "Freya Delna", "Cyrus Zubin", "Roxanne", "Rustom Kersi"),
    "Kashmir": _region(1, "Dhar Raina Bhan Wani", "Ritika Aisha", "Sahil Danish", "Renuka Shabnam", "Ashok Farooq"),
    "Marathwada": _region(
        2, "Kamble Gaikwad Waghmare Sonawane", "Sanghamitra Prajakta Shravasti", "Siddharth Rahulraj Samyak",
        "Pushpa Ramabai", "Milind Anand",
    ),
    "Jharkhand": _region(1, "Tirkey Soren Minz Hembrom", "Sushmita Phulmani", "Birsa Anmol", "Sumitra", "Mangal Etwa"),
}  # fmt: skip


def one_of(rng: random.Random) -> Region:
    """A region, more often the ones that are met more often."""
    regions = list(REGIONS.values())
    return rng.choices(regions, [region.share for region in regions])[0]
